import type { HttpHandler } from '@azure/functions';
import { Problem, answering } from './problem';

/** Answers whatever no other route does. */
export function answerUnknownRoute(): HttpHandler {
  return answering((request) =>
    Promise.reject(new Problem('unknownRoute', `Nothing answers ${request.method} ${new URL(request.url).pathname}.`)),
  );
}
