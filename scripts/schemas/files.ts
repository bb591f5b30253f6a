import * as z from 'zod';
import { documentSchemas, type DocumentSchema } from './documents.ts';
import { openApi } from './openapi.ts';

/** The generated documents by their path in the repository. */
export function schemaFiles(): ReadonlyMap<string, object> {
  return new Map([
    ...documentSchemas.map(
      (document) =>
        [`schemas/${document.name.replace('/', '-')}.json`, jsonSchema(document)] as const,
    ),
    ['openapi.json', openApi()] as const,
  ]);
}

function jsonSchema({ name, title, beyond, schema }: DocumentSchema): object {
  const { $schema, ...shape } = z.toJSONSchema(schema, { io: 'input' });
  return {
    $schema,
    $id: `urn:deploy-warrant:${name.replace('/', ':')}`,
    title: `${title} (${name})`,
    description: `Beyond what this schema can say: ${beyond.join(' ')}`,
    ...shape,
  };
}
