/**
 * Where our host differs from the real one on purpose, and why. `hide` replaces a value that a difference concerns, in
 * both answers alike, before they are compared; everything that no line hides has to be equal.
 */
export interface Difference {
  readonly reason: string;
  hide(value: unknown, about: About): unknown;
}

/** Where a value stands. */
export interface About {
  readonly recording: string;
  /** Key of the value in its object; indexes of arrays are left out. */
  readonly key: string;
  /** The object that it is a field of. */
  readonly parent: Readonly<Record<string, unknown>>;
}

const onText = (change: (text: string) => string) => (value: unknown) =>
  typeof value === 'string' ? change(value) : value;

/** What tells how far an instance has come. */
const progress = new Set(['runtimeStatus', 'customStatus', 'output', 'status', 'headers']);

export const differences: readonly Difference[] = [
  {
    reason:
      'Times have milliseconds: the real host tells seconds of instances and 100 ns of histories. ' +
      'In a history the digits after them tell in which order a turn asked for its tasks.',
    hide: onText((text) => text.replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?/g, 'TIME')),
  },
  {
    reason:
      'There is no .NET inside, so its stack traces are empty and the words of its JSON parser are those of JavaScript.',
    hide: (value, { key, parent }) =>
      (key === 'StackTrace' && typeof value === 'string') ||
      (key === 'ExceptionMessage' && parent['ExceptionType'] === 'Newtonsoft.Json.JsonReaderException')
        ? 'DOTNET'
        : value,
  },
  {
    reason: 'An instance starts and rewinds at once: it has often gone on from Pending when it is first asked for.',
    hide: (value, { recording, key }) => (recording.endsWith('-immediately') && progress.has(key) ? 'SOON' : value),
  },
  {
    reason: 'Known functions are named in the order of their registration, not of a hash table.',
    hide: onText((text) =>
      text.replace(/(?<=following are the known \w+ functions: )'.*'/, (names) => names.split(', ').sort().join(', ')),
    ),
  },
  {
    reason: 'The host is one Node process: its list of processes has no dotnet and no separate worker.',
    hide: (value, { recording }) =>
      recording === 'admin-host-processes' && Array.isArray(value) ? value.slice(-1) : value,
  },
  {
    reason: 'Links in the list of functions say http: nothing listens for https.',
    hide: (value, { recording }) =>
      recording === 'admin-functions' && typeof value === 'string' ? value.replace(/^https:/, 'http:') : value,
  },
  {
    reason:
      'Messages to entities can not arrive out of order, so none carry marks to sort them by, and no entity keeps any.',
    hide: (value, { key }) => (key === 'sorter' ? 'SORTER' : isRequest(value) ? withoutMarks(value) : value),
  },
];

function isRequest(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && 'requestTime' in value;
}

function withoutMarks({ Timestamp: _at, Predecessor: _before, ...rest }: Readonly<Record<string, unknown>>): object {
  return rest;
}
