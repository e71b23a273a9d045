import type { Rule } from 'eslint';
import type { Node } from '../orchestrator-code';
import { moduleOf, OrchestratorCode } from '../orchestrator-code';

const ID_MODULES = /^(uuid|nanoid|ulid|cuid|@paralleldrive\/cuid2|ksuid)(\/|$)/;
const CRYPTO = /^(node:)?crypto$/;
const RANDOM_OF_CRYPTO: ReadonlySet<string> = new Set([
  'randomUUID',
  'randomInt',
  'randomBytes',
  'getRandomValues',
  'randomFill',
  'randomFillSync',
]);

/** A replay must draw the numbers and ids that the first run drew. */
export const noRandom: Rule.RuleModule = {
  meta: {
    type: 'problem',
    fixable: 'code',
    docs: { description: 'forbid chance in orchestrators' },
    schema: [],
    messages: {
      number: '{{what}} differs at each replay. Write {{instead}}, or draw the number in an activity.',
      id: '{{what}} differs at each replay. Write {{instead}}, which gives the same id at each.',
    },
  },
  create(context) {
    const code = OrchestratorCode.of(context);

    function report(node: Node, what: string, messageId: 'number' | 'id', isSame: boolean): void {
      const kind = code.kindAt(node);
      if (kind === undefined) return;
      const name = code.contextNameAt(node);
      const shown = name ?? (kind === 'saga' ? 'saga' : 'context');
      const instead =
        kind === 'saga' ? `${shown}.${messageId === 'id' ? 'newId' : 'random'}()` : `${shown}.df.newGuid(...)`;
      const isFixable = isSame && kind === 'saga' && name !== undefined;
      context.report({
        node,
        messageId,
        data: { what, instead },
        fix: isFixable ? (fixer) => fixer.replaceText(node, instead) : null,
      });
    }

    return {
      CallExpression(node) {
        const { callee } = node;
        const text = context.sourceCode.getText(callee);
        if (text === 'Math.random') {
          report(node, 'Math.random()', 'number', true);
          return;
        }
        const member =
          callee.type === 'MemberExpression' && callee.property.type === 'Identifier'
            ? callee.property.name
            : undefined;
        const object = callee.type === 'MemberExpression' ? callee.object : callee;
        if (object.type !== 'Identifier') return;
        const variable = code.variableAt(node, object.name);
        const module = variable === undefined ? undefined : moduleOf(variable);
        const isGlobalCrypto = object.name === 'crypto' && (variable === undefined || variable.defs.length === 0);
        const called = member ?? object.name;
        if (isGlobalCrypto || (module !== undefined && CRYPTO.test(module))) {
          if (!RANDOM_OF_CRYPTO.has(called)) return;
          report(node, `${text}()`, called === 'randomUUID' ? 'id' : 'number', called === 'randomUUID');
        } else if (module !== undefined && ID_MODULES.test(module)) report(node, `${text}()`, 'id', false);
      },
    };
  },
};
