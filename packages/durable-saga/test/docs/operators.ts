import { registerSagaRoutes } from 'durable-saga/http';
import { sagas } from './client';

/** The operators' HTTP functions, beside the app's own. */
export function composeRoutes(): void {
  registerSagaRoutes({ sagas });
}
