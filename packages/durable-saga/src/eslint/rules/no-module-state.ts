import type { Rule } from 'eslint';
import type { Node } from '../orchestrator-code';
import { OrchestratorCode } from '../orchestrator-code';

/** A variable of the module is shared by all instances, and a replay elsewhere finds another value in it. */
export const noModuleState: Rule.RuleModule = {
  meta: {
    type: 'problem',
    docs: { description: 'forbid variables of the module that can change in orchestrators' },
    schema: [],
    messages: {
      shared:
        "'{{name}}' belongs to the module: all instances share it, and a replay on another machine finds another value. Make it const, or a variable inside the orchestrator.",
    },
  },
  create(context) {
    const code = OrchestratorCode.of(context);
    return {
      'Program:exit'() {
        const [globalScope] = context.sourceCode.scopeManager.scopes;
        const scopes = [globalScope, ...(globalScope?.childScopes.filter(({ type }) => type === 'module') ?? [])];
        for (const scope of scopes) {
          for (const { defs, references, name } of scope?.variables ?? []) {
            const definition = defs[0];
            if (definition?.type !== 'Variable' || definition.parent.kind === 'const') continue;
            for (const { identifier, init } of references) {
              if (init === true || code.kindAt(identifier as Node) === undefined) continue;
              context.report({ node: identifier, messageId: 'shared', data: { name } });
            }
          }
        }
      },
    };
  },
};
