import { types } from 'rhea';

/** The fields of an error that closes a link or refuses a delivery. */
export interface AmqpErrorFields {
  readonly condition: string;
  readonly description: string;
  readonly info?: Record<string, unknown>;
}

const described = (code: number, fields: readonly unknown[] = []): unknown =>
  types.wrap_described([...fields] as never, code);

/** Outcomes, for rhea to write. */
export const ACCEPTED: unknown = described(0x24);

export const rejected = (error: AmqpErrorFields): unknown =>
  described(0x25, [(types as unknown as { wrap_error(fields: object): unknown }).wrap_error(error)]);

const DISPOSITION = 0x15;

/**
 * The frame that settles one delivery.
 * @param cameIn whether it came from the other side
 */
export const disposition = (cameIn: boolean, id: number, outcome: unknown): unknown =>
  described(DISPOSITION, [types.wrap_boolean(cameIn), types.wrap_uint(id), types.wrap_uint(id), true, outcome]);
