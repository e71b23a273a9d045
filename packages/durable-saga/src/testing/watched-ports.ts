/** A call of a port: asked before it has its effect, and told when it has had it. Both may throw: the call fails then. */
export interface CallWatch {
  before(name: string): number;
  after(call: number): void;
}

type Method = (...given: unknown[]) => unknown;

/**
 * Ports as one attempt sees them: each call goes by the watch. Ports are objects of functions, or functions themselves;
 * what else there is, is given as it is.
 */
export function watchPorts<Ports>(ports: Ports, watch: CallWatch): Ports {
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

function watchPort(name: string, port: object, watch: CallWatch): object {
  return new Proxy(port, {
    get(target, property) {
      const value: unknown = Reflect.get(target, property);
      if (typeof value !== 'function' || typeof property === 'symbol') return value;
      return watchMethod(`${name}.${property}`, value as Method, target, watch);
    },
  });
}

function watchMethod(name: string, method: Method, self: object, watch: CallWatch): Method {
  return (...given) => {
    const call = watch.before(name);
    const result = method.apply(self, given);
    if (!(result instanceof Promise)) {
      watch.after(call);
      return result;
    }
    return result.then((value: unknown) => {
      watch.after(call);
      return value;
    });
  };
}
