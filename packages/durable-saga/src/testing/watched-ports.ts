/** A call of a port: asked before it has its effect, and told when it has had it. Both may throw: the call fails then. */
export interface CallWatch<Call> {
  before(name: string): Call;
  /** What it resolves with is waited for; a call that is synchronous can't wait. */
  after(call: Call): void | Promise<void>;
}

type Method = (...given: unknown[]) => unknown;

/**
 * Ports as one attempt sees them: each call goes by the watch. Ports are objects of functions, or functions themselves;
 * what else there is, is given as it is.
 */
export function watchPorts<Ports, Call>(ports: Ports, watch: CallWatch<Call>): Ports {
  if (typeof ports !== 'object' || ports === null) return ports;
  return new Proxy(ports, {
    get(target, property) {
      const port: unknown = Reflect.get(target, property);
      if (typeof property === 'symbol') return port;
      if (typeof port === 'function') return watchMethod(property, port as Method, target, watch);
      return typeof port === 'object' && port !== null ? watchPort(property, port, watch) : port;
    },
  });
}

function watchPort<Call>(name: string, port: object, watch: CallWatch<Call>): object {
  return new Proxy(port, {
    get(target, property) {
      const value: unknown = Reflect.get(target, property);
      if (typeof value !== 'function' || typeof property === 'symbol') return value;
      return watchMethod(`${name}.${property}`, value as Method, target, watch);
    },
  });
}

function watchMethod<Call>(name: string, method: Method, self: object, watch: CallWatch<Call>): Method {
  return (...given) => {
    const call = watch.before(name);
    const result = method.apply(self, given);
    if (!(result instanceof Promise)) {
      if (watch.after(call) !== undefined)
        throw new TypeError(`${name} is synchronous: what follows it must be so, too`);
      return result;
    }
    return result.then((value: unknown) => watch.after(call)?.then(() => value) ?? value);
  };
}
