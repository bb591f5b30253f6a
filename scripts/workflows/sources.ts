/** Finds the workflows of this repository wherever they stand: as files, as examples, and as YAML blocks of documents. */
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { parse } from 'yaml';

export interface WorkflowSource {
  readonly kind: 'file' | 'example' | 'block';
  /** Where it is linted, such as `.github/workflows/README-35.yml` for the block that begins in line 35 of README.md. */
  readonly path: string;
  /** Where it stands, such as `README.md:35`. */
  readonly origin: string;
  readonly text: string;
}

/** A YAML block of a document: the whole text between the fences. */
export interface YamlBlock {
  /** Relative to the root. */
  readonly document: string;
  /** Of the opening fence, from 1. */
  readonly line: number;
  readonly text: string;
}

const workflowFolder = '.github/workflows';

/** All of them. A list of steps is put into a job, so that it is held to the same rules. */
export function workflowSources(root: string): readonly WorkflowSource[] {
  const files = filesBelow(root, workflowFolder).map((path) => ({
    kind: 'file' as const,
    path,
    origin: path,
    text: readFileSync(join(root, path), 'utf8'),
  }));
  const examples = filesBelow(root, 'examples/github').map((path) => ({
    kind: 'example' as const,
    path: `${workflowFolder}/${basename(path)}`,
    origin: path,
    text: readFileSync(join(root, path), 'utf8'),
  }));
  const blocks = yamlBlocks(root).flatMap(({ document, line, text }) => {
    const workflow = asWorkflow(text);
    if (workflow === undefined) return [];
    const name = `${document.replaceAll(/[^A-Za-z0-9]+/g, '-')}-${line}.yml`;
    return [
      {
        kind: 'block' as const,
        path: `${workflowFolder}/${name}`,
        origin: `${document}:${line}`,
        text: workflow,
      },
    ];
  });
  const all = [...files, ...examples, ...blocks];
  const paths = new Set(all.map(({ path }) => path));
  if (paths.size < all.length) throw new Error('Two workflows have the same name.');
  return all;
}

/** Every YAML block of every document of the root, `docs`, `examples` and `verify`. */
export function yamlBlocks(root: string): readonly YamlBlock[] {
  const documents = ['.', 'docs', 'examples', 'verify'].flatMap((folder) =>
    readdirSync(join(root, folder))
      .filter((name) => name.endsWith('.md'))
      .map((name) => (folder === '.' ? name : `${folder}/${name}`)),
  );
  return documents.flatMap((document) => {
    const content = readFileSync(join(root, document), 'utf8');
    return [...content.matchAll(/^( *)```ya?ml\n([\s\S]*?)^\1```$/gm)].map(
      ({ 1: indent = '', 2: text = '', index }) => ({
        document,
        line: content.slice(0, index).split('\n').length,
        text: text.replaceAll(new RegExp(`^${indent}`, 'gm'), ''),
      }),
    );
  });
}

function filesBelow(root: string, folder: string): readonly string[] {
  return readdirSync(join(root, folder))
    .filter((name) => /\.ya?ml$/.test(name))
    .map((name) => `${folder}/${name}`);
}

/** The block as a workflow, if it is one, or a list of steps. @throws YAMLParseError */
function asWorkflow(text: string): string | undefined {
  const document = parse(text) as unknown;
  if (Array.isArray(document)) {
    const isSteps = document.every(
      (step) => typeof step === 'object' && step !== null && ('uses' in step || 'run' in step),
    );
    return isSteps ? `${frame}${text.replaceAll(/^(?=.)/gm, '      ')}` : undefined;
  }
  const isWorkflow = typeof document === 'object' && document !== null && 'jobs' in document;
  return isWorkflow ? text : undefined;
}

const frame = `name: Steps of a document
on: workflow_dispatch
permissions: {}
concurrency:
  group: production
  cancel-in-progress: false
jobs:
  deploy:
    name: Deploy
    runs-on: ubuntu-24.04
    environment: production
    steps:
      - id: request
        run: echo "approval-id=1" >>"$GITHUB_OUTPUT"
`;
