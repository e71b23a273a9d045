/** What every build of this repository's code is made with. */
export const shared = {
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'cjs',
  sourcemap: true,
  logLevel: 'warning',
};

/** What stays outside of the app's bundle: what the host provides, and what is optional and not installed. */
export const appOutside = ['@azure/functions-core', 'pg-native'];
