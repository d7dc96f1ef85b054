// What the frame says, in Chinese and English.
import type { Language } from "./protocol";

const zh = {
  title: "加密投标文件",
  quiet: "本机加密区已就绪。密钥、恢复码和未加密的文件只在这里，平台网页读不到。",
  step: "第 {n} 步，共 {of} 步",
  next: "下一步",
  back: "上一步",
  cancel: "取消",
  cancelled: "已取消，没有生成任何投标文件。",
  // the lot
  lot_title: "核对解密钥匙",
  lot_ok: "招标人和监督部门的签名、保管人的钥匙和相互独立性、账本证明都已在本机验证。",
  deadline: "投标截止",
  members: "保管人 {t}（需 {tk} 份），补救人 {r}",
  members_strict: "保管人 {t}（需 {tk} 份），无补救",
  digits: "请与招标文件上印的解密钥匙编号逐组核对（前 20 位）：",
  digits_fit: "招标文件登记的编号与此一致。",
  compared: "我已与招标文件核对，五组数字完全一致",
  must_compare: "请先核对五组数字。",
  "remark.policy-of-lot-file": "账本策略取自平台提供的标段文件。",
  "remark.no-witness": "账本没有外部见证人。",
  "remark.demo-clock": "演示：使用平台的演示时钟。",
  // folders
  folders_title: "选择各册文件夹",
  choose: "选择文件夹",
  choose_for: "为“{volume}”选择文件夹",
  chosen: "{n} 个文件，{size}",
  missing: "还没有选择",
  ready: "可以加密",
  items_hint: "该册须含 open-items.json（唱标内容）。",
  must_choose: "还差：{volumes}。",
  gm_limit: "本标段用国密套件（GM-1），浏览器里加密较慢，合计不超过 {limit}；更大的请改用命令行 sunbid seal。",
  gm_large: "合计 {size}，超过浏览器里国密加密的上限 {limit}。请改用命令行：sunbid seal",
  sealed_before: "沿用上次密封的：{volumes}。",
  // recovery code
  code_title: "抄下恢复码（解密凭证）",
  code_text: "它能在开标时代替本浏览器的密钥解密，平台和我们都没有副本。请抄在纸上，妥善保管到开标结束；也可打印或另存为文件，文件不要与密文放在一起。",
  code_file: "另存为文件",
  code_print: "打印",
  code_file_text: "解密凭证（恢复码），标段 {lot}。\n开标时可代替浏览器的密钥解密。不要发给任何人，不要与密封文件（.tbe）放在一起；开标结束后删除。",
  code_written: "我已抄好或存好",
  code_again_title: "输入恢复码",
  code_again: "请照纸上或文件里的恢复码输入一遍，以确认无误。",
  code_known: "本标段已有恢复码。请照纸上的恢复码输入一遍。",
  code_label: "恢复码（28 位，分组可不输入）",
  code_other: "这是一份正确的恢复码，但不是本标段的那一份。",
  code_show: "再看一次",
  // sealing
  seal_title: "正在加密",
  start: "开始加密",
  overall: "总进度 {percent}%",
  speed: "{speed}/秒，还需约 {left}",
  left_unknown: "正在估算剩余时间",
  paused: "已暂停，停在原处",
  pause: "暂停",
  resume: "继续",
  stay: "加密时请勿关闭本页：关闭后该册须用新密钥重新加密。",
  read: "读取",
  seal: "加密",
  check: "校验",
  upload: "上传",
  // done
  done_title: "已加密并在本机试解密成功",
  done_text: "未递交。接下来由本页面上传并签名递交。",
  only_here: "密文和本浏览器的解密密钥只存在这台电脑的这个浏览器里。清除浏览数据、换浏览器或换电脑后就没有了，那时只能靠另存的密文和抄下的恢复码。",
  save_text: "递交前须把每册密文另存一份：若平台的存储损坏，它是唯一的补救。",
  save: "另存 {name}",
  saved: "已另存",
  not_saved: "未另存",
  // rehearsal
  rehearse_title: "试解密",
  rehearse_text: "在本机逐册解密并核对，不上传任何内容。",
  with_code: "也用恢复码试一次（可不填）",
  rehearse: "开始试解密",
  trial: "试解密",
  "by.browser-key": "本浏览器的密钥",
  "by.recovery-code": "恢复码",
  "by.app-key": "电子营业执照里的密钥",
  opens: "能解密",
  fails: "不能解密",
  no_key: "本浏览器没有本标段的密钥，请输入恢复码。",
  finish: "完成",
  // release
  release_title: "开标解密授权",
  release_text: "开标已开始。点击后，本浏览器只交出这 {n} 册的解密分量；其他投标不受影响。",
  closing_ok: "截标文件已由本页自行核对：平台签名、账本证明、您的投标在开标名单、开标时间已到。",
  closing_shown: "本浏览器没有加密时留下的核对依据，截标文件按平台提供的依据核对；须输入恢复码才能授权。",
  release_key: "用本浏览器的密钥授权",
  release_code: "用恢复码授权",
  released: "已交出 {n} 册的解密分量。",
  // forgetting a draft
  forget_title: "删除本浏览器里的密文？",
  forget_text: "平台页面请求删除本标段最近一次加密的 {n} 册密文。删除后不能恢复；若这一版已经递交，就失去了平台存储损坏时的补救。",
  forget_do: "删除这些密文",
  seen: "按钮须完整显示、不被遮挡才能点击。",
  // problems
  problem: "不能继续",
  interrupted: "上次加密中途中断。未完成的文件已删除，将用全新的密钥重新加密。",
  again: "重试",
  hours: "{n} 小时",
  minutes: "{n} 分",
  seconds: "{n} 秒",
};

export type Key = keyof typeof zh;
type Words = Record<Key, string>;

const en: Words = {
  title: "Seal the bid",
  quiet: "The sealing area of this machine is ready. Keys, recovery code and unsealed files stay here; no page of the platform can read them.",
  step: "Step {n} of {of}",
  next: "Next",
  back: "Back",
  cancel: "Cancel",
  cancelled: "Cancelled; no sealed file was kept.",
  lot_title: "Compare the opening keys",
  lot_ok: "Signatures of buyer and supervisor, the members' keys and independence, and the ledger proofs were verified on this machine.",
  deadline: "Bids close",
  members: "{t} custodians ({tk} needed), {r} remedy members",
  members_strict: "{t} custodians ({tk} needed), no remedy",
  digits: "Compare with the number of the opening keys printed in the tender document (first 20 digits), group by group:",
  digits_fit: "It equals the number that the tender document registers.",
  compared: "I compared it with the tender document; all five groups are the same",
  must_compare: "Compare the five groups first.",
  "remark.policy-of-lot-file": "The ledger's policy is the one that the platform's lot file brings.",
  "remark.no-witness": "Nobody outside has witnessed this ledger.",
  "remark.demo-clock": "Demonstration: checked by the platform's clock.",
  folders_title: "Choose a folder for each volume",
  choose: "Choose folder",
  choose_for: "Choose the folder of “{volume}”",
  chosen: "{n} files, {size}",
  missing: "Not chosen yet",
  ready: "Ready",
  items_hint: "This volume must hold open-items.json (the line read aloud).",
  must_choose: "Still missing: {volumes}.",
  gm_limit: "This lot uses the suite GM-1, which is slow in a browser: at most {limit} in all. For more, use the command sunbid seal.",
  gm_large: "{size} in all, more than the {limit} that a browser seals under GM-1. Use the command instead: sunbid seal",
  sealed_before: "Kept as sealed before: {volumes}.",
  code_title: "Write down the recovery code",
  code_text: "At the opening it unlocks in place of this browser's key. Nobody else has a copy. Write it on paper and keep it until the opening is over; you may also print it or save it as a file, apart from the sealed files.",
  code_file: "Save as a file",
  code_print: "Print",
  code_file_text: "Recovery code, lot {lot}.\nAt the opening it unlocks in place of the browser's key. Send it to nobody, keep it apart from the sealed files (.tbe), and delete it when the opening is over.",
  code_written: "I have kept it",
  code_again_title: "Type the recovery code",
  code_again: "Type the code once from the paper or the file, to show that it was kept right.",
  code_known: "This lot has a recovery code already. Type it once from the paper.",
  code_label: "Recovery code (28 characters, grouping may be left out)",
  code_other: "This is a correct recovery code, but not the one of this lot.",
  code_show: "Show it again",
  seal_title: "Sealing",
  start: "Start sealing",
  overall: "{percent}% of everything",
  speed: "{speed} a second, about {left} left",
  left_unknown: "Estimating the time left",
  paused: "Paused where it stands",
  pause: "Pause",
  resume: "Go on",
  stay: "Do not close this page while it seals: the volume would have to be sealed again with fresh keys.",
  read: "Read",
  seal: "Seal",
  check: "Check",
  upload: "Upload",
  done_title: "Sealed, and opened on trial on this machine",
  done_text: "Not handed in yet (未递交). The page now uploads the files and has them signed.",
  only_here: "The sealed files and this browser's key exist in this browser on this computer only. Clearing its data, another browser or another computer: then only the saved copies and the recovery code on paper help.",
  save_text: "Before handing in, save a copy of each sealed file: it is the only remedy if the platform's storage is destroyed.",
  save: "Save {name}",
  saved: "Saved",
  not_saved: "Not saved",
  rehearse_title: "Rehearse the opening",
  rehearse_text: "Opens and checks each volume on this machine; nothing is sent.",
  with_code: "Try the recovery code as well (optional)",
  rehearse: "Start the rehearsal",
  trial: "Trial opening",
  "by.browser-key": "this browser's key",
  "by.recovery-code": "recovery code",
  "by.app-key": "key in the licence app",
  opens: "Opens",
  fails: "Does not open",
  no_key: "This browser holds no key of this lot; type the recovery code.",
  finish: "Done",
  release_title: "Release for the opening",
  release_text: "The opening has begun. One click hands over the halves of these {n} volumes and of nothing else.",
  closing_ok: "This page checked the closing itself: the platform's signature, the ledger, your bid in the list, and the hour.",
  closing_shown: "This browser kept nothing from the sealing: the closing was checked by what the platform provides, and only the recovery code releases.",
  release_key: "Release with this browser's key",
  release_code: "Release with the recovery code",
  released: "The halves of {n} volumes were handed over.",
  forget_title: "Delete the sealed files in this browser?",
  forget_text: "The platform's page asks to delete the {n} sealed files of this lot that were made last. They cannot be brought back; if this version was handed in, the remedy for a destroyed storage is gone.",
  forget_do: "Delete these sealed files",
  seen: "The button works only while it is shown whole and nothing covers it.",
  problem: "Cannot go on",
  interrupted: "An earlier sealing was broken off. Its unfinished file was deleted; sealing begins again with fresh keys.",
  again: "Try again",
  hours: "{n} h",
  minutes: "{n} min",
  seconds: "{n} s",
};

/** Titles of refusals by their codes; the sentence below them names what was found. */
const REFUSED: Record<string, [string, string]> = {
  E_SIG: ["签名与内容不符，或缺少招标人、监督部门的签名", "A signature is missing or does not fit"],
  E_CERT_CHAIN: ["签名证书不可信", "A certificate is not trusted"],
  E_CERT_TIME: ["签名证书不在有效期", "A certificate is out of time"],
  E_INDEPENDENCE: ["保管人之间不独立", "The members are not independent"],
  E_OPENING_KEYS: ["解密钥匙与招标文件所印的不一致，请勿加密", "Not the opening keys of the tender document: do not seal"],
  E_FIELD: ["标段文件格式不对", "The lot file has another form than expected"],
  E_NOT_CANONICAL: ["标段文件格式不对", "The lot file has another form than expected"],
  E_TOO_LARGE: ["文件过大", "Too large"],
  E_B: ["不是密封时的密钥", "Not the key of this envelope"],
  E_TREE: ["密文已改变", "The sealed file changed"],
  E_MANIFEST_MISMATCH: ["密文与清单不符", "The sealed file is not the listed one"],
  "opening-unproven": ["截标文件未能证实，没有交出解密分量", "The closing is not proven: nothing was released"],
  "too-early": ["开标时间未到，没有交出解密分量", "The hour of the opening has not come: nothing was released"],
  "sealer-refuses": ["不满足加密条件", "The conditions for sealing are not met"],
  "bad-note": ["账本签名不对", "The ledger's signature does not fit"],
  "bad-proof": ["账本证明不对", "The ledger's proof does not fit"],
  "bad-policy": ["账本策略读不懂", "The ledger's policy cannot be read"],
  "package-bad": ["文件夹内容不合要求", "The folder cannot be packed"],
  "source-changed": ["所选文件在加密时被改动", "A chosen file changed while it was sealed"],
  "no-room": ["浏览器空间不足，请改用命令行 sunbid seal", "No room in this browser: use the command sunbid seal"],
  "no-secure-context": ["本页不在安全环境（https），请改用命令行 sunbid seal", "Not a secure page (https): use the command sunbid seal"],
  "recovery-code": ["恢复码输入有误", "The recovery code was mistyped"],
  "sealed-wrong": ["解不开", "It does not open"],
  "nothing-kept": ["本浏览器没有该标段的密文", "This browser keeps no sealed file of this lot"],
  busy: ["另一个标签页正在加密", "Another tab is sealing"],
  cancelled: ["已取消", "Cancelled"],
};

export class Speech {
  constructor(readonly language: Language) {}

  say(key: keyof Words, values: Record<string, string | number> = {}): string {
    const words = (this.language === "zh" ? zh : en)[key];
    return words.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
  }

  refused(code: string): string {
    const found = REFUSED[code];
    return found === undefined ? this.say("problem") : (found[this.language === "zh" ? 0 : 1] as string);
  }

  bytes(count: number): string {
    const units = ["B", "KB", "MB", "GB"];
    const step = Math.min(3, Math.floor(Math.log(Math.max(1, count)) / Math.log(1000)));
    return `${(count / 1000 ** step).toLocaleString(this.language, { maximumFractionDigits: step === 0 ? 0 : 1 })} ${units[step] as string}`;
  }

  seconds(count: number): string {
    const whole = Math.max(1, Math.round(count));
    if (whole < 60) return this.say("seconds", { n: whole });
    if (whole < 3600) return `${this.say("minutes", { n: Math.floor(whole / 60) })} ${this.say("seconds", { n: whole % 60 })}`;
    return `${this.say("hours", { n: Math.floor(whole / 3600) })} ${this.say("minutes", { n: Math.floor((whole % 3600) / 60) })}`;
  }

  time(iso: string): string {
    return `${new Date(Date.parse(iso) + 8 * 3_600_000).toISOString().slice(0, 19).replace("T", " ")} ${this.language === "zh" ? "北京时间" : "UTC+8"}`;
  }
}
