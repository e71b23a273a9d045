import { FaultSettingError, type Faults } from './faults';
import { problem, type HttpAnswer, type HttpRequest } from './http-server';

/** Answers GET and POST `/_faults`; `undefined` for any other path. */
export function answerFaults(faults: Faults, request: HttpRequest): HttpAnswer | undefined {
  if (request.path !== '/_faults') return undefined;
  if (request.method === 'GET') return { status: 200, body: faults.report() };
  if (request.method !== 'POST') return problem(405, 'methodNotAllowed', `expected GET or POST, got ${request.method}`);
  try {
    faults.set(JSON.parse(request.body));
  } catch (error) {
    if (error instanceof FaultSettingError) return problem(400, 'badFaults', error.message);
    if (error instanceof SyntaxError) return problem(400, 'badJson', `expected JSON: ${error.message}`);
    throw error;
  }
  return { status: 200, body: faults.report() };
}
