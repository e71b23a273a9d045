import { RuleEvaluationError } from './rule-error';

/** Any one character, or any number of them; all else is a character that has to be there. */
const ONE = Symbol('_');
const MANY = Symbol('%');
type LikePattern = readonly (string | typeof ONE | typeof MANY)[];

/** Compiles a pattern of LIKE (`%` any text, `_` any character). Throws RuleEvaluationError on a wrong escape. */
export function compileLike(pattern: string, escape: string | undefined): (text: string) => boolean {
  const parsed = parse(pattern, escape);
  return (text) => matches(parsed, text);
}

function parse(pattern: string, escape: string | undefined): LikePattern {
  if (escape !== undefined && escape.length !== 1) {
    throw new RuleEvaluationError(`ESCAPE takes one character, got ${JSON.stringify(escape)}.`);
  }
  const parsed: (string | typeof ONE | typeof MANY)[] = [];
  for (let index = 0; index < pattern.length; index += 1) {
    const character = pattern.charAt(index);
    if (character === escape) {
      index += 1;
      if (index === pattern.length) {
        throw new RuleEvaluationError(`The pattern ${JSON.stringify(pattern)} ends with its escape character.`);
      }
      parsed.push(pattern.charAt(index));
    } else if (character === '%') parsed.push(MANY);
    else parsed.push(character === '_' ? ONE : character);
  }
  return parsed;
}

/** Goes back only to the last `%`, so that no pattern takes longer than its length times the text's. */
function matches(pattern: LikePattern, text: string): boolean {
  let at = 0;
  let wanted = 0;
  let retryAt = 0;
  let retryWanted = -1;
  while (at < text.length) {
    const part = pattern[wanted];
    if (part === MANY) {
      retryWanted = wanted;
      retryAt = at;
      wanted += 1;
    } else if (part === ONE || part === text[at]) {
      wanted += 1;
      at += 1;
    } else if (retryWanted >= 0) {
      retryAt += 1;
      at = retryAt;
      wanted = retryWanted + 1;
    } else return false;
  }
  while (pattern[wanted] === MANY) wanted += 1;
  return wanted === pattern.length;
}
