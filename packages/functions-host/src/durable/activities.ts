import type { Activities } from '../engine/work';
import { describeActivityFailure } from './failure';
import { runHttpActivity, type HttpActivityOptions } from './http-activity';
import { HTTP_ACTIVITY } from './http-request';
import { unknownFunction } from './orchestrators';
import type { DurableFunctions } from './ports';

/** The app's activities, and the one that the host brings along for `callHttp`. */
export function createActivities(functions: DurableFunctions, http: HttpActivityOptions): Activities {
  return {
    run(name, call) {
      if (name === HTTP_ACTIVITY) return runHttpActivity(http, call.input);
      const activity = functions.activity(name);
      if (activity === undefined) {
        const unknown = new Error(unknownFunction(functions, 'activity', name));
        return Promise.resolve({ failure: describeActivityFailure(name, unknown) });
      }
      return functions.runActivity(activity, call).then(
        (result) => ({ result }),
        (error: unknown) => ({ failure: describeActivityFailure(name, error) }),
      );
    },
  };
}
