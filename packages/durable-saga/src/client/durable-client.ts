/** How the platform shows one instance. */
export interface FoundInstance {
  readonly name: string;
  readonly runtimeStatus: string;
  /** Lists give the times as ISO texts. */
  readonly createdTime: Date | string;
  readonly lastUpdatedTime: Date | string;
  readonly input?: unknown;
  readonly customStatus?: unknown;
  readonly output: unknown;
}

/** The part of a durable client that sagas need; durable-functions' `DurableClient` is one. */
export interface DurableClientPort {
  /** Name of the task hub that it reaches, where it says so. */
  readonly taskHubName?: string;
  startNew(name: string, options: { readonly instanceId?: string; readonly input: unknown }): Promise<string>;
  /** Rejects with an error that says `HTTP 404` when there is no such instance. */
  getStatus(id: string, options: { readonly showInput: boolean }): Promise<FoundInstance>;
  /** All instances that the filter lets through, in one array, those of entities and other orchestrators among them. */
  getStatusBy(filter: {
    readonly createdTimeFrom?: Date;
    readonly createdTimeTo?: Date;
    readonly runtimeStatus?: readonly string[];
  }): Promise<readonly (FoundInstance & { readonly instanceId: string })[]>;
  raiseEvent(id: string, name: string, payload: unknown): Promise<void>;
}

export async function findInstance(
  client: DurableClientPort,
  id: string,
  { showInput = false } = {},
): Promise<FoundInstance | undefined> {
  try {
    return await client.getStatus(id, { showInput });
  } catch (error) {
    if (saysStatus(error, 404)) return undefined;
    throw error;
  }
}

/** The durable client reports a status code in the text of its errors. */
export function saysStatus(error: unknown, status: number): boolean {
  return error instanceof Error && new RegExp(`(HTTP|status code:) ${status}\\b`).test(error.message);
}

/** Orchestrators are functions, whose names are the same whatever their case. */
export function isOf(saga: string, { name }: Pick<FoundInstance, 'name'>): boolean {
  return name.toLowerCase() === saga.toLowerCase();
}
