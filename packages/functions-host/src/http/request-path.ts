/**
 * The path of a request target as Kestrel hands it on: dot segments resolved (also percent-encoded ones), so that no
 * function or key check is gone round by `/api/../admin`. All else stays percent-encoded.
 */
export function toPath(target: string): string {
  return dotSegment.test(target) ? resolveDots(target) : target;
}

const dotSegment = /\/(?:\.|%2e){1,2}(?:\/|$)/i;

function resolveDots(path: string): string {
  const kept: string[] = [];
  const segments = path.split('/').slice(1);
  for (const [at, segment] of segments.entries()) {
    const plain = segment.replace(/%2e/gi, '.');
    const isLast = at === segments.length - 1;
    if (plain === '..') kept.pop();
    if (plain !== '.' && plain !== '..') kept.push(segment);
    else if (isLast) kept.push('');
  }
  return `/${kept.join('/')}`;
}

/** Decodes a path segment. An encoded slash stays encoded, as in ASP.NET, and so does what is no UTF-8. */
export function decodeSegment(segment: string): string {
  return segment.replace(encodedRun, (run) => {
    try {
      return decodeURIComponent(run);
    } catch {
      return run.replace(/%[0-7][0-9a-f]/gi, decodeURIComponent);
    }
  });
}

const encodedRun = /(?:%(?!2f)[0-9a-f]{2})+/gi;
