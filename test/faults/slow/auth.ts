// Users by name: `Bearer quick`. Handlers for `slow` users wait for a gate of the test.
import { Auth } from '@langchain/langgraph-sdk/auth';
import { pass } from './gate.js';

export const auth = new Auth()
  .authenticate(async (request) => {
    const identity = request.headers.get('authorization')?.replace('Bearer ', '') ?? 'anonymous';
    if (identity === 'slow-to-authenticate') {
      await pass('authenticate');
    }
    return { identity, permissions: [] };
  })
  .on('*', async ({ user }) => {
    if (user.identity === 'slow-to-authorize') {
      await pass('authorize');
    }
    return true;
  });
