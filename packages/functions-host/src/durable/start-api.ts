import type { StartRequest, StartResult } from '../engine/engine';
import type { Ending } from '../engine/live-instances';
import { findIdFault, findTextFault } from '../engine/instance-id';
import { isFinished } from '../store/store';
import { errorAnswer, jsonAnswer, jsonTextAnswer, readJsonBody } from './answers';
import { toCaller } from './client-spans';
import { toManagementLinks } from './client-binding';
import type { ManagementContext } from './management-api';
import type { WebhookRequest, WebhookResponse } from './ports';
import { toStatusJson } from './status-json';

const SECONDS_TO_POLL_START = '10';

/** Starts an instance: a body is its input, and `timeout=SECONDS` waits that long for its end. */
export async function answerStart(
  context: ManagementContext,
  request: WebhookRequest,
  name: string,
  id: string | undefined,
): Promise<WebhookResponse> {
  const version = request.query.get('version') ?? context.defaultVersion;
  const fault =
    (id === undefined ? undefined : findIdFault(id)) ??
    findTextFault('a function name', name) ??
    findTextFault('a version', version ?? '');
  if (fault !== undefined) return errorAnswer(400, fault);
  const body = request.body.length === 0 ? { json: 'null' } : readJsonBody(request);
  if ('refusal' in body) return body.refusal;
  const outcome = await start(context, request, { name, id, version, input: body.json, caller: toCaller(request) });
  return 'taken' in outcome ? errorAnswer(409, outcome.taken) : outcome.answer;
}

/** Starts what an instance is an instance of once more, with its input; under its own id with `restartWithNewInstanceId=false`. */
export async function answerRestart(
  context: ManagementContext,
  request: WebhookRequest,
  id: string,
): Promise<WebhookResponse> {
  const row = await context.engine.readInstance(id);
  if (row === undefined) {
    return errorAnswer(400, 'InstanceId does not match a valid orchestration instance.', {
      message: `No instance with ID '${id}' was found. (Parameter 'instanceId')`,
      type: 'System.ArgumentException',
    });
  }
  const keepsId = request.query.get('restartWithNewInstanceId')?.toLowerCase() === 'false';
  const { name, version, input } = row;
  const ownId = keepsId ? id : undefined;
  const outcome = await start(context, request, { name, version, input, id: ownId, caller: toCaller(request) });
  if ('answer' in outcome) return outcome.answer;
  return errorAnswer(409, 'A non-terminal instance with this instance ID already exists.', {
    message: outcome.taken,
    type: 'DurableTask.Core.Exceptions.OrchestrationAlreadyExistsException',
  });
}

async function start(
  context: ManagementContext,
  caller: WebhookRequest,
  request: StartRequest,
): Promise<{ readonly taken: string } | { readonly answer: WebhookResponse }> {
  const started = await startOrReplace(context, request);
  if (started.kind === 'exists') {
    return { taken: `An Orchestration instance with the status ${started.status} already exists.` };
  }
  const timeout = Number(caller.query.get('timeout') ?? 'NaN');
  if (timeout > 0) {
    const ending = await waitForEnd(context, started.id, timeout * 1000);
    const answer = await answerResult(context, started.id, ending);
    if (answer !== undefined) return { answer };
  }
  return { answer: answerStarted(context, caller, started.id) };
}

/** Starts an instance; one of its id that has not finished ends first, when host.json lets starts replace any. */
async function startOrReplace(context: ManagementContext, request: StartRequest): Promise<StartResult> {
  const { engine, replacesRunning } = context;
  for (;;) {
    const started = await engine.startInstance(request);
    if (started.kind === 'started' || !replacesRunning || request.id === undefined) return started;
    await engine.send(request.id, { kind: 'terminate', reason: 'Replaced by a new instance with this id.' });
  }
}

function answerStarted(context: ManagementContext, caller: WebhookRequest, id: string): WebhookResponse {
  const links = toManagementLinks(context.links(caller), id, false);
  return jsonAnswer(202, links, { location: links.statusQueryGetUri, 'retry-after': SECONDS_TO_POLL_START });
}

/** How the instance ended; undefined when it takes longer, or had ended before. */
function waitForEnd(context: ManagementContext, id: string, ms: number): Promise<Ending | undefined> {
  return new Promise((resolve) => {
    const stop = context.engine.whenFinished(id, (ending) => {
      cancel();
      resolve(ending);
    });
    if (stop === undefined) {
      resolve(undefined);
      return;
    }
    const cancel = context.after(ms, () => {
      stop();
      resolve(undefined);
    });
  });
}

/** The answer of a start that waited: the output, or the status of what did not complete. */
async function answerResult(
  context: ManagementContext,
  id: string,
  ending: Ending | undefined,
): Promise<WebhookResponse | undefined> {
  if (ending?.status === 'Completed') return jsonTextAnswer(200, ending.output ?? 'null');
  const row = await context.engine.readInstance(id);
  if (row === undefined || !isFinished(row.status)) return undefined;
  return jsonTextAnswer(
    200,
    row.status === 'Completed' ? (row.output ?? 'null') : toStatusJson(row, { showInput: true }),
  );
}
