import type { Rule } from 'eslint';
import type { Kind, Node } from '../orchestrator-code';
import { OrchestratorCode } from '../orchestrator-code';

const NOW: Readonly<Record<Kind, (context: string) => string>> = {
  saga: (context) => `${context}.now()`,
  durable: (context) => `${context}.df.currentUtcDateTime`,
};

/** A replay must see the time that the first run saw. */
export const noClock: Rule.RuleModule = {
  meta: {
    type: 'problem',
    fixable: 'code',
    docs: { description: 'forbid the clock of the machine in orchestrators' },
    schema: [],
    messages: {
      clock:
        '{{what}} differs at each replay, so that the saga takes another way. Write {{instead}}, which is the time of the current turn.',
      stopwatch: '{{what}} differs at each replay. Measure in an activity, or subtract two times of {{instead}}.',
    },
  },
  create(context) {
    const code = OrchestratorCode.of(context);

    function report(node: Node, what: string, form: 'date' | 'milliseconds' | undefined): void {
      const kind = code.kindAt(node);
      if (kind === undefined) return;
      const name = code.contextNameAt(node);
      const now = NOW[kind](name ?? (kind === 'saga' ? 'saga' : 'context'));
      const instead = form === 'milliseconds' ? `${now}.getTime()` : now;
      context.report({
        node,
        messageId: form === undefined ? 'stopwatch' : 'clock',
        data: { what, instead },
        fix: name === undefined || form === undefined ? null : (fixer) => fixer.replaceText(node, instead),
      });
    }

    return {
      CallExpression(node) {
        const text = context.sourceCode.getText(node.callee);
        if (text === 'Date.now') report(node, 'Date.now()', 'milliseconds');
        else if (text === 'Date') report(node, 'Date()', undefined);
        else if (/^(performance\.now|process\.(hrtime|hrtime\.bigint|uptime))$/.test(text)) {
          report(node, `${text}()`, undefined);
        } else if (text.startsWith('Temporal.Now.')) report(node, `${text}()`, undefined);
      },
      NewExpression(node) {
        const isDate = node.callee.type === 'Identifier' && node.callee.name === 'Date';
        if (isDate && node.arguments.length === 0) report(node, 'new Date()', 'date');
      },
    };
  },
};
