import { BrokerError } from './errors';

const LONGEST = { queue: 260, topic: 260, subscription: 50, rule: 50 } as const;

/** Letters, digits and what joins them: `.`, `-`, `_`, and `/` in queues and topics. */
const NAME = /^[a-z0-9](?:[\w./-]*[a-z0-9])?$/i;
const PART = /^[a-z0-9](?:[\w.-]*[a-z0-9_])?$/i;
/** Rules may be called as Azure's own is. */
const RULE = /^[\w$](?:[\w.$-]*)$/;

const PATTERNS = { queue: NAME, topic: NAME, subscription: PART, rule: RULE } as const;

/** Throws invalidArgument for a name that Azure would not take either. */
export function checkName(kind: keyof typeof LONGEST, name: string): void {
  if (name.length <= LONGEST[kind] && PATTERNS[kind].test(name)) return;
  throw new BrokerError(
    'invalidArgument',
    `'${name}' is no name for a ${kind}: expected up to ${LONGEST[kind]} letters, digits and . - _${
      kind === 'queue' || kind === 'topic' ? ' /' : ''
    }, a letter or digit at both ends.`,
  );
}
