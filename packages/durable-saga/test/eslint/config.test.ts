import { Linter } from 'eslint';
import { plugin, recommended } from '../../src/eslint';

describe('the recommended configuration', () => {
  it('turns every rule of the plugin on', () => {
    const names = Object.keys(plugin.rules ?? {}).map((name) => `durable-saga/${name}`);
    expect(Object.keys(recommended.rules ?? {})).toEqual(names);
    expect(names.length).toBeGreaterThan(8);
  });

  it('says what to write instead, where the code stands', () => {
    const code = `import { saga } from 'durable-saga';
saga({ name: 'order' }, function* (saga) {
  saga.step(reserve, { at: Date.now() });
});`;
    const found = new Linter().verify(code, recommended);
    expect(found.map(({ line, message }) => `${line}: ${message}`)).toEqual([
      '3: saga.step(...) does nothing by itself. Write yield* saga.step(...).',
      '3: Date.now() differs at each replay, so that the saga takes another way. Write saga.now().getTime(), which is the time of the current turn.',
    ]);
  });

  it('has a sentence with what to write or do in every message', () => {
    for (const rule of Object.values(plugin.rules ?? {})) {
      const { messages = {} } = (rule as { meta: { messages?: Record<string, string> } }).meta;
      for (const message of Object.values(messages)) {
        expect(message).toMatch(/(Write|write|Put|Run|Keep|Give|Make|Call|Log|Measure)/);
      }
    }
  });
});
