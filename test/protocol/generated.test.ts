import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { asyncApi } from '../../protocol/async-api.ts';
import { jsonSchema } from '../../protocol/json-schema.ts';
import { canonicalJson } from '../../protocol/state-hash.ts';
import { PROTOCOL_HISTORY, PROTOCOL_VERSION } from '../../protocol/version.ts';
import { printDocument } from './support/print-document.ts';

describe('the published schemas', () => {
  it('are what the code says; `npm run generate` writes them', async () => {
    await expect(printDocument(jsonSchema())).toMatchFileSnapshot(
      '../../protocol/generated/schema.json',
    );
    await expect(printDocument(asyncApi())).toMatchFileSnapshot(
      '../../protocol/generated/asyncapi.json',
    );
  });

  it('are printed whole', () => {
    for (const document of [jsonSchema(), asyncApi()]) {
      expect(JSON.parse(printDocument(document))).toEqual(document);
    }
  });

  it('are pinned to the version: who changes a schema writes a line of history', () => {
    const { $defs } = jsonSchema();
    const hash = createHash('sha256').update(canonicalJson($defs)).digest('hex').slice(0, 16);
    const latest = PROTOCOL_HISTORY.at(-1);
    expect(latest?.version).toBe(PROTOCOL_VERSION);
    expect(hash, 'the schemas have changed: add a line to PROTOCOL_HISTORY with this hash').toBe(
      latest?.schemaHash,
    );
  });
});
