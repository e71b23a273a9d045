/* global require */
// The business on durable-functions alone, as a careful author writes it: every step is retried, its undo is noted before
// it is tried, what fails for good is undone in reverse and, where an undo fails as well, waits for an operator; a cancel
// is honoured until the payment; all that comes in is checked; the custom status says where the saga stands.
const { app, RetryOptions } = require('durable-functions');
const { z } = require('zod');
const { does, schemas } = require('./business');

const retried = retry(10, 60_000);
const untilDone = retry(100, 300_000);

function retry(attempts, longest) {
  const options = new RetryOptions(1_000, attempts);
  options.backoffCoefficient = 2;
  options.maxRetryIntervalInMilliseconds = longest;
  return options;
}

/** Of a payment: nothing was charged, and trying again won't help. */
class Declined extends Error {}

const failed = (code, message) => ({ ok: false, failure: { code, message } });

/** A failure that trying again can't mend is an answer, since retry policies would try again whatever is thrown. */
function defineActivity(name, { input, output }, run) {
  app.activity(name, {
    async handler(call) {
      const parsed = input.safeParse(call.input);
      if (!parsed.success) return failed('invalid', z.prettifyError(parsed.error));
      try {
        const value = output.safeParse(await run(parsed.data, call.key));
        return value.success ? { ok: true, value: value.data } : failed('invalid', z.prettifyError(value.error));
      } catch (error) {
        if (!(error instanceof Declined)) throw error;
        return failed('declined', error.message);
      }
    },
  });
}

function defineUndo(name, { input }, run) {
  app.activity(name, {
    async handler(call) {
      await run({ input: input.parse(call.input), output: call.output }, call.key);
    },
  });
}

for (const name of ['validateOrder', 'reserveInventory', 'createShipment', 'sendConfirmation', 'touch']) {
  defineActivity(name, schemas[name], does[name]);
}
defineActivity('chargePayment', schemas.chargePayment, (order) => {
  const charge = does.chargePayment(order);
  if (charge === undefined) throw new Declined('card declined');
  return charge;
});
defineUndo('releaseInventory', schemas.reserveInventory, does.releaseInventory);
defineUndo('untouch', schemas.touch, () => undefined);

class Failed extends Error {
  constructor(failure) {
    super(failure.message);
    this.failure = failure;
  }
}

/** A custom status holds 16 KB: of a long saga the steps that went well are counted only. */
const MOST_SHOWN = 40;

/** Where the saga stands, the steps that it has taken, and what it owes for them. */
class Journey {
  constructor(context) {
    this.df = context.df;
    this.warn = (message) => context.df.isReplaying || context.warn(message);
    this.now = () => context.df.currentUtcDateTime.toISOString();
    this.status = { saga: 'orderSaga', state: 'running', pivot: 'none', steps: [], done: 0 };
    this.undos = [];
    this.cancel = context.df.waitForExternalEvent('cancel');
    this.show();
  }

  show() {
    this.df.setCustomStatus(this.status);
  }

  begin(name, suffix, input, undo) {
    const { steps } = this.status;
    const key = `${this.df.instanceId}/${name}#${suffix}`;
    const shown = { name, key, state: 'running', startedAt: this.now() };
    if (steps.length >= MOST_SHOWN) {
      const quiet = steps.findIndex(({ state }) => state === 'done');
      if (quiet >= 0) {
        steps.splice(quiet, 1);
        this.status.done += 1;
      }
    }
    if (steps.length < MOST_SHOWN) steps.push(shown);
    const owed = undo === undefined ? undefined : { name: undo, key, input, output: undefined, shown };
    return { name, key, input, shown, owed };
  }

  end({ shown, owed }, answer) {
    shown.state = answer.ok ? 'done' : 'failed';
    shown.endedAt = this.now();
    if (answer.ok) {
      if (owed !== undefined) owed.output = answer.value;
    } else shown.error = answer.failure;
    this.show();
  }

  call({ name, key, input }, policy = retried) {
    return this.df.callActivityWithRetry(name, policy, { key, input });
  }

  /** One step before the payment. */
  *step(step) {
    if (step.owed !== undefined) this.undos.push([step.owed]);
    this.show();
    const answer = yield* this.settle(this.call(step));
    this.end(step, answer);
    this.checkCancelled();
    if (!answer.ok) throw new Failed(answer.failure);
    return answer.value;
  }

  /** Steps side by side; all of them have ended when it goes on. */
  *group(steps) {
    const owed = [];
    this.undos.push(owed);
    for (const step of steps) if (step.owed !== undefined) owed.push(step.owed);
    this.show();
    const tasks = steps.map((step) => this.call(step));
    yield* this.wait(this.df.Task.all(tasks));
    const answers = [];
    for (const [i, task] of tasks.entries()) {
      const answer = yield* this.finish(task);
      this.end(steps[i], answer);
      answers.push(answer);
    }
    this.checkCancelled();
    const bad = answers.find(({ ok }) => !ok);
    if (bad !== undefined) throw new Failed(bad.failure);
    return answers.map(({ value }) => value);
  }

  /** The step that can't be undone, and those after it, which are tried until they succeed. */
  *forward(step) {
    this.show();
    for (;;) {
      const answer = yield* this.finish(this.call(step, untilDone));
      if (answer.ok || answer.failure.code === 'declined') {
        this.end(step, answer);
        if (!answer.ok) throw new Failed(answer.failure);
        return answer.value;
      }
      yield* this.park(answer.failure);
    }
  }

  *settle(task) {
    yield* this.wait(task);
    return yield* this.finish(task);
  }

  /** Ends when the task does, or a cancel comes before. */
  *wait(task) {
    if (this.cancel.isCompleted) return;
    yield this.df.Task.any([task, this.cancel]);
  }

  *finish(task) {
    try {
      return task.isCompleted ? task.result : yield task;
    } catch (error) {
      return failed('error', error.message);
    }
  }

  checkCancelled() {
    if (this.cancel.isCompleted) throw new Failed({ code: 'cancelled', message: 'the saga was cancelled' });
  }

  *goBack(failure) {
    Object.assign(this.status, { state: 'compensating', failure });
    for (const owed of this.undos.reverse()) {
      for (const { shown } of owed) shown.state = 'undoing';
      this.show();
      const tasks = owed.map((one) => this.undo(one));
      if (tasks.length > 0) yield* this.finish(this.df.Task.all(tasks));
      for (const [i, task] of tasks.entries()) {
        yield* this.seeThrough(owed[i], task);
        owed[i].shown.state = 'undone';
        owed[i].shown.endedAt = this.now();
        this.show();
      }
    }
    this.status.state = 'compensated';
    this.show();
    this.warn(`saga ${this.df.instanceId} ended compensated: ${failure.code}: ${failure.message}`);
    return { outcome: 'compensated', failure };
  }

  undo({ name, key, input, output }) {
    return this.df.callActivityWithRetry(name, untilDone, { key, input, output });
  }

  *seeThrough(owed, first) {
    for (let task = first; !task.isCompleted; task = this.undo(owed)) {
      const answer = yield* this.finish(task);
      if (answer?.ok !== false) return;
      yield* this.park(answer.failure);
    }
  }

  *park(failure) {
    const { state } = this.status;
    Object.assign(this.status, { state: 'parked', parked: failure });
    this.show();
    yield this.df.waitForExternalEvent('retry');
    Object.assign(this.status, { state, parked: undefined });
    this.show();
  }
}

function defineSaga(name, schema, body) {
  app.orchestration(name, function* (context) {
    const journey = new Journey(context);
    const input = schema.safeParse(context.df.getInput());
    if (!input.success) {
      return { outcome: 'compensated', failure: { code: 'invalid', message: z.prettifyError(input.error) } };
    }
    let result;
    try {
      result = yield* body(journey, input.data);
    } catch (error) {
      if (!(error instanceof Failed)) throw error;
      return yield* journey.goBack(error.failure);
    }
    journey.status.state = 'completed';
    journey.show();
    return { outcome: 'completed', result };
  });
}

defineSaga('orderSaga', schemas.order, function* (journey, order) {
  yield* journey.step(journey.begin('validateOrder', '1', order));
  yield* journey.group(
    order.lines.map((line) => journey.begin('reserveInventory', line.sku, line, 'releaseInventory')),
  );
  journey.status.pivot = 'started';
  try {
    yield* journey.forward(journey.begin('chargePayment', '1', order));
    journey.status.pivot = 'passed';
  } catch (error) {
    journey.status.pivot = 'none';
    throw error;
  }
  const { shipment } = yield* journey.forward(journey.begin('createShipment', '1', order));
  yield* journey.forward(journey.begin('sendConfirmation', '1', order));
  return schemas.result.parse({ shipment });
});

defineSaga('sequence', schemas.steps, function* (journey, { steps }) {
  for (let n = 1; n <= steps; n++) yield* journey.step(journey.begin('touch', n, { n }, 'untouch'));
  return schemas.count.parse(steps);
});

defineSaga('fan', schemas.steps, function* (journey, { steps }) {
  yield* journey.group(Array.from({ length: steps }, (_, i) => journey.begin('touch', i + 1, { n: i + 1 }, 'untouch')));
  return schemas.count.parse(steps);
});
