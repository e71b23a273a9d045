import { StartError } from '../host/start-error';
import { messageOf } from './failures';

/**
 * Reads JSON as Azure's tools take it in settings files: with comments, commas after the last entry and a byte order
 * mark. Throws a `StartError` that names the file.
 */
export function parseJsonc(text: string, file: string): unknown {
  try {
    return JSON.parse(blankOut(text));
  } catch (error) {
    throw new StartError(`${file} is not valid JSON: ${messageOf(error)}`);
  }
}

/** Blanks take the place of what JSON doesn't know, so that positions in error messages still hold. */
function blankOut(text: string): string {
  // A string is matched first, so that what looks like a comment or a comma inside one is left alone.
  const withoutComments = text.replace(/"(?:\\.|[^"\\])*"|\/\/[^\r\n]*|\/\*[\s\S]*?\*\//g, (match) =>
    match.startsWith('"') ? match : blanksFor(match),
  );
  const withoutCommas = withoutComments.replace(/"(?:\\.|[^"\\])*"|,(?=\s*[}\]])/g, (match) =>
    match.startsWith('"') ? match : ' ',
  );
  return withoutCommas.replace(/^\uFEFF/, ' ');
}

function blanksFor(comment: string): string {
  return comment.replace(/[^\r\n]/g, ' ');
}
