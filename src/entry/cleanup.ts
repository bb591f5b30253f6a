process.exitCode = 1;
const { start } = await import('../action/start.ts');
const { runCleanup } = await import('../action/cleanup.ts');
await start(runCleanup);
