import type { Rule } from 'eslint';
import { OrchestratorCode } from '../orchestrator-code';

/** A deployment may change what the environment says while sagas run; a replay would then take another way. */
export const noEnvironment: Rule.RuleModule = {
  meta: {
    type: 'problem',
    docs: { description: "forbid reading the process's environment in orchestrators" },
    schema: [],
    messages: {
      environment:
        '{{what}} may say something else when the saga is replayed on another machine or after a deployment. Give the setting to the saga as part of its input, or read it in an activity.',
    },
  },
  create(context) {
    const code = OrchestratorCode.of(context);
    return {
      MemberExpression(node) {
        const text = context.sourceCode.getText(node);
        if (!/^(process\.(?!hrtime|uptime)\w+|import\.meta\.env|globalThis\.process)$/.test(text)) return;
        if (code.kindAt(node) !== undefined) context.report({ node, messageId: 'environment', data: { what: text } });
      },
    };
  },
};
