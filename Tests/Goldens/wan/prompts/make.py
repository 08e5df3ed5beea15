# 10,000 prompts, each with what the original makes of it.
import html, json, random, re, sys
import ftfy
def original(text):
    text = ftfy.fix_text(text)
    text = html.unescape(html.unescape(text)).strip()
    return re.sub(r'\s+', ' ', text).strip()
rng = random.Random(int(sys.argv[2]) if len(sys.argv)>2 else 21)
words = {
 'en': "pick up the bowl and place it on plate don’t “gently” open drawer naïve café robot’s arm — slowly… 50°C ±2 µm €5 £3 ½ cup".split(),
 'de': "schön grün Öl über Ärger größe Straße Tür Schüssel »greifen« „Tasse“ heiß".split(),
 'fr': "crème brûlée à la mode voilà garçon déjà où être Noël «bonjour» œuf cœur l’été ÉTÉ FIANCÉ façade".split(),
 'pt': "São Paulo às àquele coração ação não põe maçã avó à mesa é você".split(),
 'es': "¿dónde está? ¡mañana! niño señor corazón año él sólo".split(),
 'pl': "łódź żółty źrebię ćma ślad weź kubek proszę połóż".split(),
 'cs': "žluťoučký kůň příliš úpěl ďábelské ódy hrnek".split(),
 'tr': "çay bardağı ışık şeker gökyüzü İstanbul öğle".split(),
 'ru': "Привет мир возьми чашку положи на стол красный «куб» ёлка объект Я".split(),
 'el': "Ελληνικά κείμενο πιάσε το φλιτζάνι τραπέζι ώρα".split(),
 'lt': "ačiū ąžuolas šaukštas žalias ėmė į ū".split(),
 'ja': "ロボット アーム 掴む 赤い ブロック を 置く".split(),
 'zh': "拿起 红色 方块 放在 盘子 上".split(),
 'ko': "로봇 팔 컵 집어".split(),
 'he': "שלום עולם".split(), 'ar': "مرحبا بالعالم كوب".split(),
 'emoji': "🤖 👍 ✔ ♥ → ★ 💡 ☕".split(),
 'html': "&amp; &lt;b&gt; &eacute; &EACUTE; &hellip; &#233; &#x2019; &nbsp; &amp;eacute; &copy &notit; &NTILDE; &#128; &#0; <b> &Jscr;".split(),
 'odd': ["\x1b[31m", "\x1b[0m", "ﬁ", "ﬂuﬃ", "ＡＢＣ", "ｱｲｳ", "\u3000", "\x85", "\x93", "\x80", "\ufeff", "\x07", "\u2028", "\r\n", "\n", "ŉ", "Ĳ", "e\u0301", "a\u030a", "\ufffd", "\x1a", "\xa0", "\xad", "À\n", "Ã ", "Â ", "¬†", "×²", "à²", "\u200b", "\u202e"],
}
codecs = ["latin-1","sloppy-windows-1252","sloppy-windows-1251","sloppy-windows-1250","sloppy-windows-1253","sloppy-windows-1254","sloppy-windows-1257","iso-8859-2","macroman","cp437"]
def wrong(text, codec=None):
    codec = codec or (rng.choice(codecs[:2]) if rng.random()<0.5 else rng.choice(codecs))
    return text.encode('utf-8').decode(codec, errors=rng.choice(['replace','ignore']) if codec in('iso-8859-2','macroman','cp437') else 'replace')
def phrase():
    langs = [rng.choice(list(words)) for _ in range(rng.choice([1,1,1,2,3]))]
    return rng.choice([' ',' ',' ','  ','']).join(rng.choice(words[rng.choice(langs)]) for _ in range(rng.randint(1,6)))
def damage(text):
    kind = rng.random()
    if kind < 0.15: return text
    if kind < 0.45: return wrong(text)
    if kind < 0.55: return wrong(wrong(text))
    if kind < 0.60: return wrong(wrong(wrong(text, 'latin-1')))
    if kind < 0.70: return phrase()+' '+wrong(text)+' '+phrase()
    if kind < 0.76: return wrong(text).replace('\xa0',' ')
    if kind < 0.80: return text.encode('utf-8').decode('cp1252','replace')
    if kind < 0.84: return wrong(text).replace('\x81','?').replace('\x9d','?').replace('\x8d','�')
    if kind < 0.88: return html.escape(wrong(text))
    if kind < 0.91: return wrong(''.join(c for c in text.encode('utf-16','surrogatepass').decode('utf-16')))
    if kind < 0.94:
        b = bytearray(wrong(text).encode('utf-8'))
        for _ in range(rng.randint(1,3)):
            if b: b[rng.randrange(len(b))] = rng.randrange(256)
        return bytes(b).decode('latin-1' if rng.random()<0.5 else 'utf-8','replace')
    if kind < 0.97:
        # CESU-8 and Java's zero
        out=b''
        for c in text+'🤖':
            if ord(c)>0xffff:
                v=ord(c)-0x10000
                for s in (0xd800+(v>>10),0xdc00+(v&0x3ff)): out+=bytes([0xE0|s>>12,0x80|(s>>6&63),0x80|s&63])
            else: out+=c.encode()
        if rng.random()<0.3: out+=b'\xc0\x80'
        return out.decode(rng.choice(codecs[:2]))
    return ''.join(chr(rng.choice([rng.randrange(32,127),rng.randrange(128,256),rng.randrange(0x80,0x100),rng.randrange(0x390,0x460),rng.randrange(0x2010,0x2130),0x20])) for _ in range(rng.randint(1,12)))
count=int(sys.argv[1]); seen=set(); lines=[]
while len(lines)<count:
    text=damage(phrase())[:120]
    try: text.encode('utf-8')
    except UnicodeEncodeError: continue
    if text in seen: continue
    seen.add(text)
    lines.append(json.dumps([text, original(text)], ensure_ascii=False))
open(sys.argv[3],'w').write('\n'.join(lines)+'\n')
changed=sum(json.loads(l)[0]!=json.loads(l)[1] for l in lines)
print(len(lines), changed, sum(map(len,lines)))
