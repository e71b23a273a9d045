import type { Activity } from 'durable-saga';

/** Calls an activity and its undo as the durable activities do; tells what they say. The key is the step's, the same for both. */
export function runnerOf<Input, Output, Ports>(activity: Activity<Input, Output, Ports>, ports: Ports) {
  const bound = activity.bind(ports);
  const seam = { client: undefined, log: () => undefined, warn: () => undefined };
  const call = (key: string, attempt = 1) => ({ $step: { key, instanceId: key.split('/')[0] ?? key, attempt } });
  return {
    run: async (key: string, input: Input) => withoutKey(await bound.run({ ...call(key), input }, seam)),
    undo: async (key: string, input: Input, output?: Output) =>
      withoutKey(await bound.undo({ ...call(key), input, output }, seam)),
  };
}

function withoutKey<T extends { readonly of: unknown }>({ of: _of, ...reply }: T) {
  return reply;
}
