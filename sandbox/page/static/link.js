// The line to the sandbox: what happens there comes in, what is done here goes out and is answered.

export function connect(onNews, onEnd) {
  const waiting = new Map();
  let number = 0;
  const socket = new WebSocket(`ws://${location.host}/live`);
  socket.addEventListener("message", (event) => {
    const told = JSON.parse(event.data);
    if (told.answer === undefined) return onNews(told);
    waiting.get(told.answer)?.(told);
    waiting.delete(told.answer);
  });
  socket.addEventListener("close", onEnd);
  return function ask(what, given) {
    number += 1;
    const answer = new Promise((resolve) => waiting.set(number, resolve));
    socket.send(JSON.stringify({n: number, do: what, ...given}));
    return answer;
  };
}

export async function asFile(file) {
  let letters = "";
  for (const byte of new Uint8Array(await file.arrayBuffer())) letters += String.fromCharCode(byte);
  return {name: file.name, content: btoa(letters)};
}
