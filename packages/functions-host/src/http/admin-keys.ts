import { type AdminRequest, type AdminResponse, notFound, toJson, toModel } from './admin-answers';
import { type KeyRing, type KeyRoom, keysOf } from './keys';

/** Opens everything, and is shown as one of the system keys when asked for by name. */
const masterName = '_master';

/**
 * Answers for one list of keys, and for one key of it: GET shows, PUT sets the value of its body, POST sets a random one,
 * DELETE removes. Names that begin with `_` are the host's own and can't be removed.
 * @param name empty for the list.
 */
export function answerKeys(ring: KeyRing, room: KeyRoom, name: string, request: AdminRequest): AdminResponse {
  if (name === '') return request.method === 'GET' ? toModel({ keys: listKeys(ring, room) }, request) : notFound;
  switch (request.method) {
    case 'GET': {
      const value = readKey(ring, room, name);
      return value === undefined ? notFound : toModel({ name, value }, request);
    }
    case 'POST':
      return writeKey(ring, room, name, undefined, request);
    case 'PUT': {
      const value = readValue(request.body);
      if (value === undefined)
        return refuse('Invalid key value: expected a JSON body { "name": "...", "value": "..." }.');
      return writeKey(ring, room, name, value, request);
    }
    case 'DELETE':
      if (name.startsWith('_')) return refuse(`Invalid key name: '${name}' is the host's own and can't be deleted.`);
      return ring.remove(room, name) ? { status: 204 } : notFound;
    default:
      return notFound;
  }
}

function listKeys(ring: KeyRing, room: KeyRoom): object[] {
  return Object.entries(keysOf(ring.current(), room)).map(([name, value]) => ({ name, value }));
}

function readKey(ring: KeyRing, room: KeyRoom, name: string): string | undefined {
  if (room === 'system' && name === masterName) return ring.current().master;
  const keys = keysOf(ring.current(), room);
  return Object.hasOwn(keys, name) ? keys[name] : undefined;
}

function writeKey(
  ring: KeyRing,
  room: KeyRoom,
  name: string,
  value: string | undefined,
  request: AdminRequest,
): AdminResponse {
  if (typeof room === 'string' && name === masterName) {
    return toModel({ name, value: ring.putMaster(value) }, request);
  }
  const written = ring.put(room, name, value);
  return toModel({ name, value: written.value }, request, written.isNew ? 201 : 200);
}

/** The value of a key's body; undefined for anything else, an empty value included. */
function readValue(body: Buffer): string | undefined {
  try {
    const { value } = JSON.parse(body.toString()) as { value?: unknown };
    return typeof value === 'string' && value !== '' ? value : undefined;
  } catch {
    return undefined;
  }
}

function refuse(message: string): AdminResponse {
  return toJson({ message }, 400);
}
