// What the page itself says. What the bot says comes from the bot.

const ENGLISH = {
  sandbox: "This is a sandbox: Telegram and the swarm are simulated on this machine; calibot is the real program.",
  other: "中文", iam: "I am", chats: "Chats", messages: "Messages", commands: "Commands", menu: "Menu",
  attach: "Attach a text file", file: "Text file", message: "Message", send: "Send", cancel: "Cancel", down: "To the newest message",
  panel: "Things to try", close: "Close", try: "Try this", torrents: "Sample torrents",
  torrentsHelp: "A press puts the magnet where you type; send it to save it as a note.",
  troubles: "Telegram’s troubles", troublesHelp: "Switch one on, and watch calibot recover.",
  slow: "Slow: 2 s late", refuse: "429: wait 5 s", gone: "Gone for {n} s", calls: "What calibot asked Telegram last",
  more: "More about this message", reply: "Reply", forward: "Forward", edit: "Edit", delete: "Delete",
  replyTo: "Reply to {name}", editing: "Edit message", forwardTo: "Forward to …", deleteIt: "Delete this message for everyone?",
  ok: "OK", edited: "edited", forwardedFrom: "Forwarded from {name}", deletedMessage: "Deleted message", buttons: "Buttons",
  bot: "bot", starting: "starting …", away: "Telegram is gone: nothing comes through", members: "{n} people and a bot",
  ended: "The demo has ended.", you: "You", empty: "Write something, or choose from “Things to try”.",
  refused: "The next message and the next edit are refused: too many requests.", unread: "{n} new", copied: "Copied", again: "Reload",
  wrong: {
    cannot: "That cannot be done here.", unanswered: "The bot has not answered.", deleted: "That message is deleted.",
    file: "A file may have 1 to 2,000,000 bytes.", long: "That is too long for one message.",
  },
  sorts: {plain: "Plain", script: "Other scripts", hostile: "Hostile names", slow: "Slow", dead: "Dead"},
};

const CHINESE = {
  sandbox: "这是沙盒：Telegram 和 BT 网络都由本机模拟；calibot 是真正的程序。",
  other: "English", iam: "我是", chats: "聊天", messages: "消息", commands: "命令", menu: "菜单",
  attach: "附上文本文件", file: "文本文件", message: "消息", send: "发送", cancel: "取消", down: "到最新消息",
  panel: "试一试", close: "关闭", try: "试试这些", torrents: "示例种子",
  torrentsHelp: "按一下，磁力链接就到输入框里；发送后就存为笔记。",
  troubles: "Telegram 的故障", troublesHelp: "打开一个，看 calibot 怎样恢复。",
  slow: "延迟 2 秒", refuse: "429：等 5 秒", gone: "断开 {n} 秒", calls: "calibot 最近向 Telegram 的请求",
  more: "此消息的更多操作", reply: "回复", forward: "转发", edit: "编辑", delete: "删除",
  replyTo: "回复 {name}", editing: "编辑消息", forwardTo: "转发到……", deleteIt: "为所有人删除这条消息？",
  ok: "确定", edited: "已编辑", forwardedFrom: "转发自 {name}", deletedMessage: "已删除的消息", buttons: "按钮",
  bot: "机器人", starting: "正在启动……", away: "Telegram 断开了：什么都收发不到", members: "{n} 个人和一个机器人",
  ended: "演示已结束。", you: "你", empty: "写点什么，或从“试一试”里选。",
  refused: "下一条消息和下一次编辑会被拒绝：请求过多。", unread: "{n} 条新消息", copied: "已复制", again: "重新载入",
  wrong: {
    cannot: "这里做不到。", unanswered: "机器人没有响应。", deleted: "那条消息已删除。",
    file: "文件须为 1 到 2,000,000 字节。", long: "一条消息放不下。",
  },
  sorts: {plain: "普通", script: "其他文字", hostile: "恶意名字", slow: "慢", dead: "死种"},
};

const LANGUAGES = {en: ENGLISH, zh: CHINESE};
let chosen = localStorage.getItem("language") ?? (navigator.language.startsWith("zh") ? "zh" : "en");

export const isChinese = () => chosen === "zh";

export function switchLanguage() {
  chosen = isChinese() ? "en" : "zh";
  localStorage.setItem("language", chosen);
}

export function say(word, values = {}) {
  const sentence = LANGUAGES[chosen][word];
  return typeof sentence === "string" ? sentence.replace(/\{(\w+)\}/g, (_, name) => values[name]) : sentence;
}

// A pair of English and Chinese, as the server sends them.
export const ofPair = (pair) => pair[isChinese() ? 1 : 0];

export function translate(root) {
  document.documentElement.lang = isChinese() ? "zh-Hans" : "en";
  for (const node of root.querySelectorAll("[data-word]")) node.textContent = say(node.dataset.word);
  for (const node of root.querySelectorAll("[data-label]")) {
    node.setAttribute("aria-label", say(node.dataset.label));
    if (node.matches("textarea")) node.placeholder = say(node.dataset.label);
    if (node.matches("button")) node.title = say(node.dataset.label);
  }
}
