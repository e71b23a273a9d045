import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { HistoryReplayer, recordPath } from 'durable-saga/testing';
import type { ReplayVerdict } from 'durable-saga/testing';
import { activities, sagas } from '../../src/sagas';
import { sagaScripts } from './saga-scripts';

/*
 * Histories of the sagas' scripted ways, `<saga>/<version>/<way>.json`, as the management API shows them. Those of earlier
 * versions stay for as long as instances of them may be under way. Today's code must be able to go on from each of them.
 */

export type RecordedHistory = Awaited<ReturnType<typeof recordPath>>;

/** Where the history of a way is, in the folder of histories. */
export interface Recording {
  readonly file: string;
  readonly history: RecordedHistory;
}

/** Plays all ways of all sagas with today's code. */
export async function recordHistories(): Promise<readonly Recording[]> {
  const ways = Object.values(sagaScripts).flatMap(({ saga, paths }) => paths.map((way) => ({ saga, way })));
  return Promise.all(
    ways.map(async ({ saga, way }) => {
      const slug = way.title.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-');
      const history = await recordPath({ saga, path: way, sagas, activities, instanceId: slug });
      return { file: path.posix.join(saga.name, saga.version, `${slug}.json`), history };
    }),
  );
}

export function readHistories(folder: string): readonly Recording[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.json'))
    .sort()
    .map((file) => ({
      file: file.split(path.sep).join('/'),
      history: JSON.parse(readFileSync(path.join(folder, file), 'utf8')) as RecordedHistory,
    }));
}

/** Holds histories against today's code. */
export function createReplayer(): (history: RecordedHistory) => ReplayVerdict {
  const replayer = new HistoryReplayer({ sagas, activities });
  return (history) => replayer.replay(history);
}
