// First of all: whatever ends this process before its verdict has refused.
process.exitCode = 1;
const { start } = await import('../action/start.ts');
const { runRequest } = await import('../action/request.ts');
await start(runRequest);
