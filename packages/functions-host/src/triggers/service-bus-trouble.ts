import type { HostLog } from '../log';
import { messageOf } from '../supervisor/failures';

/** Says once that something can't be received, whatever the number of tries, and once that it can again. */
export interface Trouble {
  readonly note: (error: unknown) => void;
  /** Nothing is the matter, as far as it is known. */
  readonly clear: () => void;
}

export interface TroubleOptions {
  /** What listens: "Service Bus trigger of 'onOrder' on queue 'orders'". */
  readonly title: string;
  /** "queue 'orders'". */
  readonly entityTitle: string;
  /** "namespace 127.0.0.1:5672 (setting ServiceBusConnection)". */
  readonly namespaceTitle: string;
  readonly category: string;
  readonly log: HostLog;
}

export function createTrouble({ title, entityTitle, namespaceTitle, category, log }: TroubleOptions): Trouble {
  let kind: string | undefined;
  return {
    note(error) {
      const { code } = error as { code?: unknown };
      const name = typeof code === 'string' ? code : messageOf(error);
      if (kind === name) return;
      kind = name;
      if (code === 'MessagingEntityNotFound') {
        log.log(
          'Error',
          category,
          `The ${title} finds no ${entityTitle} in ${namespaceTitle}: create it (for the local emulator in its Config.json), or correct the name. It keeps trying.`,
        );
        return;
      }
      log.log(
        'Warning',
        category,
        `The ${title} can't receive from ${namespaceTitle}: ${messageOf(error)}. It keeps trying.`,
      );
    },
    clear() {
      if (kind === undefined) return;
      kind = undefined;
      log.log('Information', category, `The ${title} receives from ${namespaceTitle} again.`);
    },
  };
}
