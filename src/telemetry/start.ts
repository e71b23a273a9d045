import { observeWithOpenTelemetry } from 'durable-saga/opentelemetry';
import type { Clock } from '../ports';
import { createMeasures } from './measures';
import type { ExportSettings, Sdk } from './sdk';
import { createSpans, orderOf } from './spans';
import { noTelemetry } from './telemetry';
import type { Telemetry } from './telemetry';

export interface TelemetryOptions {
  /** Where telemetry goes; undefined: nowhere, and nothing is loaded for it. */
  readonly settings: ExportSettings | undefined;
  readonly clock: Clock;
  readonly warn: (message: string) => void;
}

/** Sagas whose instances are orders or returns, by id. */
const OF_ORDERS: readonly (string | undefined)[] = ['placeOrder', 'returnOrder'];

/** The SDK is loaded when the first handler runs: an app's start doesn't wait for it. */
export function startTelemetry({ settings, clock, warn }: TelemetryOptions): Telemetry {
  if (settings === undefined) return noTelemetry;
  let loading: Promise<Sdk | undefined> | undefined;
  const load = async (): Promise<Sdk | undefined> => {
    try {
      const { startSdk } = await import('./sdk');
      return await startSdk({ settings, clock, warn });
    } catch (error) {
      // The app's work doesn't hang on being watched.
      warn(
        `telemetry is off, since it could not be started: ${error instanceof Error ? error.message : String(error)}`,
      );
      return undefined;
    }
  };
  const ready = async (): Promise<void> => {
    await (loading ??= load());
  };
  return {
    ...createSpans(ready),
    ...createMeasures(ready, clock),
    observer: observeWithOpenTelemetry({
      ready,
      attributes: ({ saga, instanceId }) => (OF_ORDERS.includes(saga) ? orderOf(instanceId) : {}),
    }),
    async stop() {
      await (await loading)?.stop();
    },
  };
}
