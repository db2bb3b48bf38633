"""Words that the rules know: units, currencies, months, products, numbers that are dialled."""

from __future__ import annotations

MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)

UNITS = {
    "km/h": ("公里每小时", "kilometer per hour", "kilometers per hour"),
    "mph": ("英里每小时", "mile per hour", "miles per hour"),
    "m/s²": ("米每二次方秒", "meter per second squared", "meters per second squared"),
    "m/s": ("米每秒", "meter per second", "meters per second"),
    "km²": ("平方公里", "square kilometer", "square kilometers"),
    "km2": ("平方公里", "square kilometer", "square kilometers"),
    "cm²": ("平方厘米", "square centimeter", "square centimeters"),
    "cm³": ("立方厘米", "cubic centimeter", "cubic centimeters"),
    "mm²": ("平方毫米", "square millimeter", "square millimeters"),
    "m²": ("平方米", "square meter", "square meters"),
    "m2": ("平方米", "square meter", "square meters"),
    "㎡": ("平方米", "square meter", "square meters"),
    "m³": ("立方米", "cubic meter", "cubic meters"),
    "m3": ("立方米", "cubic meter", "cubic meters"),
    "km": ("公里", "kilometer", "kilometers"),
    "dm": ("分米", "decimeter", "decimeters"),
    "cm": ("厘米", "centimeter", "centimeters"),
    "mm": ("毫米", "millimeter", "millimeters"),
    "μm": ("微米", "micrometer", "micrometers"),
    "µm": ("微米", "micrometer", "micrometers"),
    "nm": ("纳米", "nanometer", "nanometers"),
    "m": ("米", "meter", "meters"),
    "ft": ("英尺", "foot", "feet"),
    "mi": ("英里", "mile", "miles"),
    "kg": ("公斤", "kilogram", "kilograms"),
    "mg": ("毫克", "milligram", "milligrams"),
    "μg": ("微克", "microgram", "micrograms"),
    "g": ("克", "gram", "grams"),
    "t": ("吨", "ton", "tons"),
    "lb": ("磅", "pound", "pounds"),
    "lbs": ("磅", "pound", "pounds"),
    "oz": ("盎司", "ounce", "ounces"),
    "ml": ("毫升", "milliliter", "milliliters"),
    "mL": ("毫升", "milliliter", "milliliters"),
    "L": ("升", "liter", "liters"),
    "ms": ("毫秒", "millisecond", "milliseconds"),
    "min": ("分钟", "minute", "minutes"),
    "hrs": ("小时", "hour", "hours"),
    "hr": ("小时", "hour", "hours"),
    "h": ("小时", "hour", "hours"),
    "s": ("秒", "second", "seconds"),
    "kHz": ("千赫兹", "kilohertz", "kilohertz"),
    "MHz": ("兆赫兹", "megahertz", "megahertz"),
    "GHz": ("吉赫兹", "gigahertz", "gigahertz"),
    "Hz": ("赫兹", "hertz", "hertz"),
    "kWh": ("千瓦时", "kilowatt hour", "kilowatt hours"),
    "kW": ("千瓦", "kilowatt", "kilowatts"),
    "MW": ("兆瓦", "megawatt", "megawatts"),
    "W": ("瓦", "watt", "watts"),
    "mAh": ("毫安时", "milliamp hour", "milliamp hours"),
    "V": ("伏", "volt", "volts"),
    "kbps": ("千比特每秒", "kilobit per second", "kilobits per second"),
    "Kbps": ("千比特每秒", "kilobit per second", "kilobits per second"),
    "Mbps": ("兆比特每秒", "megabit per second", "megabits per second"),
    "Gbps": ("吉比特每秒", "gigabit per second", "gigabits per second"),
    "KB": ("KB", "kilobyte", "kilobytes"),
    "MB": ("MB", "megabyte", "megabytes"),
    "GB": ("GB", "gigabyte", "gigabytes"),
    "TB": ("TB", "terabyte", "terabytes"),
    "dB": ("分贝", "decibel", "decibels"),
    "fps": ("帧每秒", "frame per second", "frames per second"),
    "px": ("像素", "pixel", "pixels"),
    "°C": ("摄氏度", "degree Celsius", "degrees Celsius"),
    "℃": ("摄氏度", "degree Celsius", "degrees Celsius"),
    "°F": ("华氏度", "degree Fahrenheit", "degrees Fahrenheit"),
    "℉": ("华氏度", "degree Fahrenheit", "degrees Fahrenheit"),
    "°": ("度", "degree", "degrees"),
    "USD": ("美元", "dollar", "dollars"),
    "EUR": ("欧元", "euro", "euros"),
    "GBP": ("英镑", "pound", "pounds"),
    "HKD": ("港元", "Hong Kong dollar", "Hong Kong dollars"),
    "RMB": ("元", "yuan", "yuan"),
    "CNY": ("元", "yuan", "yuan"),
}
"""In Chinese, one in English, many in English. Bytes are letters in Chinese, as people say them."""

CURRENCIES = {
    "US$": ("美元", "dollar", "dollars", "cent", "cents"),
    "HK$": ("港元", "Hong Kong dollar", "Hong Kong dollars", "cent", "cents"),
    "$": ("美元", "dollar", "dollars", "cent", "cents"),
    "€": ("欧元", "euro", "euros", "cent", "cents"),
    "£": ("英镑", "pound", "pounds", "penny", "pence"),
    "¥": ("元", "yen", "yen", "sen", "sen"),
    "RMB": ("元", "yuan", "yuan", "fen", "fen"),
    "CNY": ("元", "yuan", "yuan", "fen", "fen"),
    "USD": ("美元", "dollar", "dollars", "cent", "cents"),
    "EUR": ("欧元", "euro", "euros", "cent", "cents"),
}
"""In Chinese, one, many, a hundredth, hundredths."""

COUNTED = (
    "个|位|种|次|天|周|倍|件|条|张|本|台|块|只|名|家|座|场|部|层|页|遍|杯|点|小时|分钟|秒|年(?!级|代)|元|岁半|米|公里|公斤|吨|斤|"
    "人|款|床|篇|句|段|组|套|份|双|对|辆|棵|颗|瓶|盒|袋|碗|间|扇|首|门|步|步骤|轮|口|群|头|匹|千|万|亿"
)
"""What is counted with 两 for two."""

HAN_UNITS = "美欧年月日号时点分秒天周岁元角块万亿千百个位种次米克吨斤升度倍%名级层页章节集季届代人度"
"""Last character of what may stand between a number and a sign of a range."""

VERSIONED = (
    "Python|iOS|iPadOS|macOS|watchOS|Android|HarmonyOS|Windows|Linux|Ubuntu|Debian|Node(?:\\.js)?|Java|PHP|Ruby|Go|Rust|"
    "PyTorch|TensorFlow|CUDA|Chrome|Firefox|Safari|Unity|Docker|Kubernetes|React|Vue|Django|FFmpeg|LatentSync"
)
"""Products whose numbers are versions: 3.12 is three point twelve."""

HOTLINES = (
    "12306|12315|12318|12319|12320|12328|12329|12333|12338|12345|12348|12350|12351|12355|12358|12366|12367|12369|12371|12377|12378|12388|"
    "12389|12580|10000|10001|10010|10086|10099|11185|11183|9[56]\\d{3}"
)
"""Numbers of five digits that are dialled wherever they stand, unless something is counted."""
