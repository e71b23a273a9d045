import type { Activities } from '../engine/work';
import { describeActivityFailure } from './failure';
import { runHttpActivity, type HttpActivityOptions } from './http-activity';
import { HTTP_ACTIVITY } from './http-request';
import { unknownFunction } from './orchestrators';
import type { DurableFunctions } from './ports';

/** The app's activities, and the one that the host brings along for `callHttp`. */
export function createActivities(functions: DurableFunctions, http: HttpActivityOptions): Activities {
  return {
    async run(name, call) {
      if (name === HTTP_ACTIVITY) return runHttpActivity(http, call.input);
      const activity = functions.activity(name);
      if (activity === undefined) {
        return { failure: describeActivityFailure(name, new Error(unknownFunction(functions, 'activity', name))) };
      }
      try {
        return { result: await functions.runActivity(activity, call) };
      } catch (error) {
        return { failure: describeActivityFailure(name, error) };
      }
    },
  };
}
