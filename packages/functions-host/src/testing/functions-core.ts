/*
 * What `@azure/functions-core` is in jest, by the preset.
 *
 * The app's copy of `@azure/functions` asks for that module once, while the app is loaded. A host that is just loading an app
 * answers. Without one the app's code is under a unit test of its own: what it registers then is dropped.
 */
import { takeCore } from './core-place';

const nothing = (): void => undefined;

class Disposable {
  readonly dispose = nothing;
}

const bystander = {
  version: 'test',
  hostVersion: 'test',
  Disposable,
  log: nothing,
  setProgrammingModel: nothing,
  getProgrammingModel: nothing,
  registerFunction: () => new Disposable(),
  registerHook: () => new Disposable(),
};

/** As the library knows them. */
export const {
  version,
  hostVersion,
  Disposable: DisposableClass,
  log,
  setProgrammingModel,
  getProgrammingModel,
  registerFunction,
  registerHook,
}: typeof bystander = (takeCore() as typeof bystander | undefined) ?? bystander;
export { DisposableClass as Disposable };
