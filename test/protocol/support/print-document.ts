// Prints a published document so that a reader sees its parts and a reviewer sees what changed: one line for each part.

/**
 * JSON with two spaces of indent, in which what is short, and each definition of `$defs` and `schemas`, takes one line.
 * @param width how many characters are short
 */
export function printDocument(document: object, width = 100): string {
  return `${print(document, '', width)}\n`;
}

function print(value: unknown, indent: string, width: number, isDefinition = false): string {
  const line = JSON.stringify(value);
  if (typeof value !== 'object' || value === null || isDefinition || line.length <= width) {
    return line;
  }
  const inner = `${indent}  `;
  if (Array.isArray(value)) {
    const items = value.map((item) => inner + print(item, inner, width));
    return `[\n${items.join(',\n')}\n${indent}]`;
  }
  const members = Object.entries(value).map(([key, member]) => {
    const holdsDefinitions = key === '$defs' || key === 'schemas';
    const printed = holdsDefinitions
      ? printDefinitions(member as object, inner, width)
      : print(member, inner, width);
    return `${inner}${JSON.stringify(key)}: ${printed}`;
  });
  return `{\n${members.join(',\n')}\n${indent}}`;
}

function printDefinitions(definitions: object, indent: string, width: number): string {
  const inner = `${indent}  `;
  const lines = Object.entries(definitions).map(
    ([name, one]) => `${inner}${JSON.stringify(name)}: ${print(one, inner, width, true)}`,
  );
  return `{\n${lines.join(',\n')}\n${indent}}`;
}
