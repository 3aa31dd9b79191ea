let lastId = 0;

/** Asks a forked process something and waits for its answer; fails when the process ends first. */
export function ask(child, question, options) {
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
        settle(failed ? reject : resolve, failed ? new Error(`${question}: ${message.error}`) : message.answer);
      }
    };
    const onExit = (code, signal) => settle(reject, new Error(`the process ended (${code ?? signal}) at: ${question}`));
    child.on('message', onMessage);
    child.on('exit', onExit);
    child.send({ id, question, ...options });
  });
}
