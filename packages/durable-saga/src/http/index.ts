export { registerSagaRoutes } from './register-saga-routes';
export type { SagaRoutes } from './register-saga-routes';
export type { SteeredSaga, SteeredSagas } from './steering';
