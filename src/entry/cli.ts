#!/usr/bin/env node
// First of all: whatever ends this process before its outcome has failed.
process.exitCode = 1;
if (Number(process.versions.node.split('.')[0]) < 24) {
  process.stderr.write(
    `deploy-warrant needs Node 24 or newer, and this is Node ${process.versions.node}.\n`,
  );
  process.exitCode = 40;
} else {
  const { main } = await import('../cli/main.ts');
  await main();
}
