/** A request to `/admin/...`. */
export interface AdminRequest {
  readonly method: string;
  /** With its leading slash, still percent-encoded. */
  readonly path: string;
  readonly body: Buffer;
  readonly contentType: string | undefined;
  readonly origin: string;
}

export interface AdminResponse {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export const notFound: AdminResponse = { status: 404 };

const jsonType = { 'content-type': 'application/json; charset=utf-8' };

export function toJson(value: unknown, status = 200, headers: Readonly<Record<string, string>> = {}): AdminResponse {
  return { status, headers: { ...jsonType, ...headers }, body: JSON.stringify(value) };
}

/** An answer about a thing that can be asked for at the request's own address. */
export function toModel(value: object, request: AdminRequest, status = 200): AdminResponse {
  const self = request.origin + request.path;
  return toJson({ ...value, links: [{ rel: 'self', href: self }] }, status, status === 201 ? { location: self } : {});
}
