// Users by name: `Bearer alice`. Each user accesses only their own resources; an admin accesses everything, a reader
// changes nothing, an auditor reads everything and changes nothing, a clerk changes all crons and creates no runs.
// Users whose names are in the file TEST_REVOKED may no longer create runs.
import { existsSync, readFileSync } from 'node:fs';
import { Auth, HTTPException } from '@langchain/langgraph-sdk/auth';

interface Value {
  metadata?: Record<string, unknown> | null;
}

interface Request {
  value: Value;
  user: { identity: string; permissions: string[] };
  action: string;
}

const ROLES: Record<string, string[]> = {
  alice: ['read', 'write'],
  bob: ['read', 'write'],
  reader: ['read'],
  auditor: ['read', 'everything'],
  admin: ['read', 'write', 'everything'],
  clerk: ['read', 'write', 'crons'],
};

const isRevoked = (identity: string): boolean => {
  const file = process.env.TEST_REVOKED ?? '';
  return existsSync(file) && readFileSync(file, 'utf8').split('\n').includes(identity);
};

/** Writes the owner into the metadata of what is created, and returns a filter for it. */
function ownersOnly({ value, user, action }: Request) {
  const { identity, permissions } = user;
  if (!permissions.includes('write') && !['read', 'search'].includes(action)) {
    return false;
  }
  if (permissions.includes('everything')) {
    return true;
  }
  if (['create', 'update', 'create_run'].includes(action)) {
    value.metadata = { ...value.metadata, owner: identity };
  }
  return { owner: identity };
}

export const auth = new Auth()
  .authenticate((request) => {
    const name = request.headers.get('authorization')?.replace('Bearer ', '') ?? '';
    if (name === 'broken') {
      throw new TypeError(`cannot read properties of ${name}`);
    }
    if (!Object.hasOwn(ROLES, name)) {
      throw new HTTPException(401, { message: 'Who are you?', headers: { 'www-authenticate': 'Bearer realm="test"' } });
    }
    return { identity: name, permissions: ROLES[name], display_name: name.toUpperCase(), team: 'birds' };
  })
  .on('threads', ownersOnly as never)
  .on('threads:create_run', (request: Request) => {
    const { identity, permissions } = request.user;
    if (isRevoked(identity) || permissions.includes('crons')) {
      throw new HTTPException(403, { message: `${identity} runs nothing.` });
    }
    return ownersOnly(request);
  })
  .on('assistants', ownersOnly as never)
  .on('crons', ((request: Request) => request.user.permissions.includes('crons') || ownersOnly(request)) as never)
  .on('store', ({ value, user, action }) => {
    const given = value as { namespace?: string[] | null; value?: Record<string, unknown> };
    if (given.namespace?.[0] === 'shared' && !user.permissions.includes('everything')) {
      if (action === 'put') {
        given.value = { ...given.value, owner: user.identity };
      }
      return { owner: user.identity };
    }
    if (given.namespace?.[0] !== user.identity && !user.permissions.includes('everything')) {
      throw new HTTPException(403, { message: 'That is not your namespace.' });
    }
    return true;
  });
