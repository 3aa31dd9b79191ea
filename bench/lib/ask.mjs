let lastId = 0;

/** Sends a request to a forked process and waits for its response. Fails if the process ends first. */
export function ask(child, request, options) {
  const id = ++lastId;
  return new Promise((resolve, reject) => {
    const settle = (act, value) => {
      child.off('message', onMessage);
      child.off('exit', onExit);
      act(value);
    };
    const onMessage = (message) => {
      if (message.id === id) {
        const failed = message.error !== undefined;
        settle(failed ? reject : resolve, failed ? new Error(`${request}: ${message.error}`) : message.answer);
      }
    };
    const onExit = (code, signal) => settle(reject, new Error(`the process ended (${code ?? signal}) at: ${request}`));
    child.on('message', onMessage);
    child.on('exit', onExit);
    child.send({ id, request, ...options });
  });
}
