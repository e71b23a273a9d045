/** The anchor that a page's heading has on GitHub. */
function toAnchor(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
    .replaceAll(' ', '-');
}

/** What stands below each heading, by its anchor, up to the next heading of its level or above. */
export function sectionsOf(page: string): ReadonlyMap<string, string> {
  const text = page.replaceAll(/^```[\s\S]*?^```/gm, (block) => block.replaceAll(/^#/gm, ' #'));
  const headings = [...text.matchAll(/^(#{1,6}) (.*)$/gm)];
  return new Map(
    headings.map((heading, index) => {
      const [, level = ''] = heading;
      const next = headings.slice(index + 1).find(([, other = '']) => other.length <= level.length);
      return [toAnchor(heading[2] ?? ''), text.slice(heading.index, next?.index)];
    }),
  );
}

export const anchorsOf = (page: string): string[] => [...sectionsOf(page).keys()];
