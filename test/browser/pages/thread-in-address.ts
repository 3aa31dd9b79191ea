import { useState } from 'react';

/** The id of the thread, which stays in the page's address when the page is loaded again. */
export function useThreadInAddress(): [string | null, (threadId: string | null) => void] {
  const [threadId, setThreadId] = useState(() => new URLSearchParams(location.search).get('threadId'));
  const change = (id: string | null): void => {
    const address = new URL(location.href);
    if (id === null) {
      address.searchParams.delete('threadId');
    } else {
      address.searchParams.set('threadId', id);
    }
    history.replaceState(null, '', address);
    setThreadId(id);
  };
  return [threadId, change];
}
