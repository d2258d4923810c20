// JSON that is written while it is read: as little is held as a reader takes at once. Knows nothing of what it is about.

const CHUNK_CHARACTERS = 32_768;

/** A list, one item to a line. */
export async function* listText(items: AsyncIterable<unknown>): AsyncGenerator<string, undefined> {
  let lead = '[\n';
  for await (const item of items) {
    yield lead + JSON.stringify(item);
    lead = ',\n';
  }
  yield lead === '[\n' ? '[]' : '\n]';
}

/** An object of members that are values or lists. */
export async function* objectText(
  members: Iterable<
    | { readonly name: string; readonly value: unknown }
    | { readonly name: string; readonly items: AsyncIterable<unknown> }
  >,
): AsyncGenerator<string, undefined> {
  let lead = '{\n';
  for (const member of members) {
    yield `${lead}${JSON.stringify(member.name)}: `;
    lead = ',\n';
    if ('items' in member) yield* listText(member.items);
    else yield JSON.stringify(member.value);
  }
  yield '\n}\n';
}

/**
 * A document to be saved. Its beginning is read before it is answered, so that a store that is away is told by the status; one that
 * goes away later ends the connection in the middle, and no reader takes half a document for a whole one.
 */
export async function documentResponse(
  text: AsyncGenerator<string, undefined>,
  fileName: string,
): Promise<Response> {
  const encoder = new TextEncoder();
  let ahead: string | undefined = await gathered(text);
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      if (ahead === undefined || ahead === '') {
        controller.close();
        return;
      }
      controller.enqueue(encoder.encode(ahead));
      ahead = await gathered(text);
    },
    async cancel() {
      await text.return(undefined);
    },
  });
  return new Response(body, {
    headers: {
      'content-type': 'application/json',
      'content-disposition': `attachment; filename="${fileName}"`,
      'cache-control': 'no-store',
    },
  });
}

/** The next portion; empty at the end. */
async function gathered(text: AsyncGenerator<string, undefined>): Promise<string> {
  let chunk = '';
  while (chunk.length < CHUNK_CHARACTERS) {
    const { value, done } = await text.next();
    if (done === true) break;
    chunk += value;
  }
  return chunk;
}
