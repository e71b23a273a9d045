const kilobytes = (bytes) => `${(bytes / 1000).toFixed(0).padStart(6)} KB`;

/** What the package weighs and what of it weighs most. */
export function describeSize({ zip, files, weights }, functions) {
  const sum = (filter) =>
    [...files].filter(([name]) => filter(name)).reduce((total, [, { length }]) => total + length, 0);
  const isMap = (name) => name.endsWith('.map');
  const atStart = files.get('dist/app.js').length;
  return [
    `${functions} functions`,
    `${kilobytes(zip)}  zip`,
    `${kilobytes(sum(() => true))}  folder, of which`,
    `${kilobytes(sum((name) => name.endsWith('.js')))}  code (${(atStart / 1000).toFixed(0)} KB of it in dist/app.js, the rest is loaded when it is first used)`,
    `${kilobytes(sum(isMap))}  source maps`,
    'heaviest packages, by their code in the bundle:',
    ...weights.slice(0, 12).map(([name, bytes]) => `${kilobytes(bytes)}  ${name}`),
  ].join('\n');
}

/** Medians with the fastest and the slowest run. */
export function describeColdLoad({ packaged, unbundled }, load) {
  const part = (values) => {
    const sorted = [...values].sort((a, b) => a - b);
    const [median, least, most] = [sorted[Math.floor(sorted.length / 2)], sorted[0], sorted.at(-1)];
    return { median, text: `${median.toFixed(0)} ms (${least.toFixed(0)} to ${most.toFixed(0)})` };
  };
  const [a, b] = [part(packaged), part(unbundled)];
  return (
    `cold load, process start to all functions registered, ${packaged.length} runs each in turn, load average ${load.toFixed(1)}:\n` +
    `  packaged ${a.text}, unbundled ${b.text}: ${((100 * a.median) / b.median).toFixed(0)} % of it`
  );
}
