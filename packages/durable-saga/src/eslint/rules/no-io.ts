import { builtinModules } from 'node:module';
import type { Rule, Scope } from 'eslint';
import type { Node } from '../orchestrator-code';
import { moduleOf, OrchestratorCode } from '../orchestrator-code';

const PURE_BUILTINS: ReadonlySet<string> = new Set([
  'assert',
  'buffer',
  'crypto',
  'path',
  'punycode',
  'querystring',
  'string_decoder',
  'url',
  'util',
]);
const CLIENTS =
  /^(@azure\/(?!functions$).*|@aws-sdk\/.*|@google-cloud\/.*|pg|pg-pool|mysql2?|mongodb|mongoose|redis|ioredis|axios|got|undici|node-fetch|superagent|stripe|nodemailer|ws|amqplib|kafkajs|knex|typeorm|@prisma\/client|better-sqlite3)(\/|$)/;
const TIMERS: ReadonlySet<string> = new Set(['setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask']);
const NETWORK: ReadonlySet<string> = new Set(['fetch', 'XMLHttpRequest', 'WebSocket', 'EventSource']);

/** What reaches outside happens again at each replay, and its answer may be another one. */
export const noIo: Rule.RuleModule = {
  meta: {
    type: 'problem',
    docs: { description: 'forbid input, output and timers of the machine in orchestrators' },
    schema: [],
    messages: {
      io: "'{{what}}' reaches outside, which would happen again at each replay. Put it into an activity and write {{instead}}.",
      timer: "'{{what}}' is lost when the host goes, and does not replay. Write {{instead}}.",
      log: 'A replay would say this again. Log in an activity{{instead}}.',
    },
  },
  create(context) {
    const code = OrchestratorCode.of(context);

    return {
      Identifier(node) {
        if (isName(node)) return;
        const kind = code.kindAt(node);
        if (kind === undefined) return;
        const variable = code.variableAt(node, node.name);
        const name = code.contextNameAt(node) ?? (kind === 'saga' ? 'saga' : 'context');
        if (isGlobal(variable)) {
          const sleep = kind === 'saga' ? `yield* ${name}.sleep(...)` : `yield ${name}.df.createTimer(...)`;
          if (TIMERS.has(node.name))
            context.report({ node, messageId: 'timer', data: { what: node.name, instead: sleep } });
          else if (NETWORK.has(node.name)) report(node, node.name, kind, name);
          else if (node.name === 'console') {
            const instead = kind === 'saga' ? '' : `, or with ${name}.log where ${name}.df.isReplaying is false`;
            context.report({ node, messageId: 'log', data: { instead } });
          }
          return;
        }
        const module = variable === undefined ? undefined : moduleOf(variable);
        if (module === undefined || isTypeImport(variable)) return;
        if (isIo(module)) report(node, `${node.name} of ${module}`, kind, name);
      },
    };

    function report(node: Node, what: string, kind: 'saga' | 'durable', name: string): void {
      const instead =
        kind === 'saga' ? `yield* ${name}.step(...) or ${name}.call(...)` : `yield ${name}.df.callActivity(...)`;
      context.report({ node, messageId: 'io', data: { what, instead } });
    }
  },
};

function isIo(module: string): boolean {
  const builtin = module.replace(/^node:/, '');
  if (builtinModules.includes(builtin)) return !PURE_BUILTINS.has(builtin.split('/')[0] ?? '');
  return CLIENTS.test(module);
}

function isGlobal(variable: Scope.Variable | undefined): boolean {
  return variable === undefined || variable.defs.length === 0;
}

/** A type does nothing when it runs. */
function isTypeImport(variable: Scope.Variable | undefined): boolean {
  const definition = variable?.defs[0];
  if (definition?.type !== 'ImportBinding') return false;
  const kinds = [definition.node, definition.parent] as readonly { readonly importKind?: string }[];
  return kinds.some(({ importKind }) => importKind === 'type');
}

/** A property's name, not a variable. */
function isName(node: Node & { type: 'Identifier' }): boolean {
  const parent = node.parent;
  if (parent.type === 'MemberExpression') return (parent.property as Node) === node && !parent.computed;
  if (parent.type === 'Property') return (parent.key as Node) === node && !parent.computed && !parent.shorthand;
  return parent.type.startsWith('TS');
}
