import type { HookContext, Hooks } from './hooks';
import type { CoreInvocation, FunctionCallback } from './programming-model';

export interface HookedRun {
  readonly hooks: Hooks;
  /** Shared by all hooks of the app. */
  readonly appHookData: object;
  readonly context: unknown;
  /** Told which part of the invocation begins. */
  readonly enter?: (state: NonNullable<CoreInvocation['state']>) => void;
}

/**
 * Runs a handler between the app's hooks: those before it may replace its arguments and itself, those after it its result
 * and error. Rejects with the error that is left.
 */
export async function runHooked(
  { hooks, appHookData, context, enter }: HookedRun,
  inputs: unknown[],
  handler: FunctionCallback,
  invoke: (args: unknown[], callback: FunctionCallback) => Promise<unknown>,
): Promise<unknown> {
  let callback = handler;
  let args = inputs;
  const shared = { hookData: {}, appHookData, invocationContext: context };
  if (hooks.has('preInvocation')) {
    enter?.('preInvocationHooks');
    const hookContext: HookContext = { ...shared, inputs, functionCallback: callback };
    await hooks.run('preInvocation', hookContext);
    args = hookContext['inputs'] as unknown[];
    callback = hookContext['functionCallback'] as FunctionCallback;
  }
  enter?.('invocation');
  if (!hooks.has('postInvocation')) return invoke(args, callback);
  const outcome: HookContext = { ...shared, inputs: args, result: null, error: null };
  try {
    outcome['result'] = await invoke(args, callback);
  } catch (error) {
    outcome['error'] = error ?? new Error(`The handler threw ${String(error)}.`);
  }
  enter?.('postInvocationHooks');
  await hooks.run('postInvocation', outcome);
  const { error, result } = outcome;
  // The handler's or a hook's own value, thrown on as it came.
  // eslint-disable-next-line @typescript-eslint/only-throw-error
  if (error !== null && error !== undefined) throw error;
  return result;
}
