# ruff: noqa: RUF001 - the commas and full stops of Chinese
"""The sentences in Chinese (simplified), polite without 你 or 您."""

from bot.language.phrases import Phrases

CHINESE = Phrases(
    bare="在的。请把需要我做的事写在我的名字后面，放在同一条消息里。",
    working="我还在处理这条消息。",
    bug="我这边出了点问题，没能回答这条消息。管理员可以查看原因。",
    crashed="我每次尝试回答这条消息都会崩溃，只好先放下。管理员可以查看原因。",
    left_out="还有一些文件因为太大或太多而没有发出：{names}。",
    looped="看来只是一台机器和我在互相回复，我先停下。有人跟我说话，或者安静半小时之后，我会再回答。",
    overloaded="模型现在负载过高，请过几分钟再试。",
    unavailable="现在连接不上模型，请过几分钟再试。",
    rate_limit="模型的调用次数已达上限，请过几分钟再试。",
    billing="模型账户的余额已用完，需要管理员处理。",
    key="模型不接受我的密钥，需要管理员处理。",
    max_turns="这件事需要的步骤超出了我的上限，请一次少提一些要求。",
    budget="我在这次对话中的预算已经用完，管理员可以提高预算。",
    model_failed="模型没能回答这条消息。",
    timed_out="这次用时太长，我先停下了。请再试一次，或者一次少提一些要求。",
    not_started="我没能开始处理这条消息。管理员可以查看原因。",
    no_place="我现在在太多其他房间里忙着，请过几分钟再试。",
    died="我在思考这条消息时中断了两次，请再试一次。",
)
