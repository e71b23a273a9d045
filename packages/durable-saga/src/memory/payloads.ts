import type { PayloadStore } from '../store/claim-check';

/** A store of payloads for tests; `texts` is what is in it. */
export function createMemoryPayloads(): PayloadStore & { readonly texts: Map<string, string> } {
  const texts = new Map<string, string>();
  return {
    texts,
    async put(key, text) {
      texts.set(key, text);
    },
    async get(key) {
      return texts.get(key);
    },
  };
}
