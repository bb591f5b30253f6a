// First of all: whatever ends this process before its verdict has refused.
process.exitCode = 1;
const { start } = await import('../action/start.ts');
const { runVerify } = await import('../action/verify.ts');
await start(runVerify);
